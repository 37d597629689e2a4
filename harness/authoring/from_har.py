"""What a recording of a chat tells of its server's profile: a HAR, as browsers save it."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.authoring.described import Described, Source, list_of_messages, require_some, roles_of
from harness.authoring.documents import read_document
from harness.authoring.drafting import RECEIPT
from harness.authoring.fields import Field, fields_of, nearest
from harness.errors import UsageError

_STATIC = re.compile(r"text/html|text/css|javascript|image/|font/|video/|audio/|wasm")
_STAMPS = re.compile(r"\d{4}-\d\d-\d\d")
_USUAL_HEADERS = re.compile(
    r"accept|user-agent|referer|origin|host|connection|content|cookie|authorization|sec-|:|cache|pragma|dnt|te$"
    r"|upgrade|priority|if-modified",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Recorded:
    """One request and its answer."""

    operation: Described
    origin: str
    sent: Mapping[str, str] = field(default_factory=dict)
    """The request's headers, in lower case."""


def from_har(path: Path) -> Source:
    """Return what the recording in a file tells. Raise UsageError when it is not one, or not of a chat."""
    document = read_document(path, "recording")
    log = document.get("log")
    entries = log.get("entries") if isinstance(log, Mapping) else None
    if not isinstance(entries, list):
        raise UsageError(f"The recording {path} is not a HAR: it has no `log.entries`.")
    recorded = [one for one in map(_recorded, entries) if one is not None]
    require_some([one.operation for one in recorded], f"The recording {path}")
    recorded = _of_the_chat(recorded)
    recorded = _with_placeholders(recorded)
    operations = _merged(recorded)
    roles = roles_of(operations)
    auth, header = _auth(recorded, roles)
    source = Source(operations, "", recorded[0].origin, auth, header)
    _read_polls(source, recorded, roles)
    return source


def _recorded(entry: Any) -> Recorded | None:
    """Return a request with an answer for a program; None for pages, pictures and what is malformed."""
    try:
        request, response = entry["request"], entry["response"]
        url, status = urlsplit(str(request["url"])), int(response["status"])
        kind, text = _content(response.get("content") or {})
        sent, got = (_headers(each.get("headers")) for each in (request, response))
        if _STATIC.search(kind) or not 200 <= status < 300 or url.scheme not in ("http", "https"):
            return None
        answer = json.loads(text) if text.strip() else None
        body, fields = _body(request.get("postData") or {})
        method, query = str(request["method"]).upper(), dict(parse_qsl(url.query, keep_blank_values=True))
    except (LookupError, TypeError, ArithmeticError, ValueError, AttributeError, RecursionError):
        return None
    own = {name: value for name, value in sent.items() if not _USUAL_HEADERS.match(name)}
    operation = Described(
        method,
        url.path or "/",
        "",
        query,
        body,
        fields,
        own,
        status,
        answer,
        {name: value for name, value in got.items() if not name.startswith(("content", "date", "server"))},
    )
    return Recorded(operation, f"{url.scheme}://{url.netloc.rpartition('@')[2]}", sent)


def _content(content: Mapping[str, Any]) -> tuple[str, str]:
    text = str(content.get("text") or "")
    if content.get("encoding") == "base64":
        text = base64.b64decode(text, validate=True).decode()
    return str(content.get("mimeType") or "").lower(), text


def _headers(given: Any) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in given or []:
        name = str(each["name"]).lower()
        value = str(each["value"])
        pairs[name] = f"{pairs[name]}\n{value}" if name in pairs else value
    return pairs


def _body(given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    text, kind = str(given.get("text") or ""), str(given.get("mimeType") or "").lower()
    if given.get("encoding") == "base64":
        text = base64.b64decode(text, validate=True).decode()
    if "form" in kind or given.get("params"):
        pairs = {str(each["name"]): str(each.get("value", "")) for each in given.get("params") or []}
        return "form", pairs or dict(parse_qsl(text, keep_blank_values=True))
    value = json.loads(text) if text.strip() else {}
    return "json", value if isinstance(value, Mapping) else {}


def _of_the_chat(recorded: Sequence[Recorded]) -> list[Recorded]:
    """Return what went to the server that messages were sent to or polled from."""
    roles = roles_of([one.operation for one in recorded])
    chosen = roles.get("send") or roles["poll"]
    origin = next(one.origin for one in recorded if one.operation is chosen)
    return [one for one in recorded if one.origin == origin]


def _with_placeholders(recorded: Sequence[Recorded]) -> list[Recorded]:
    """Return the requests with placeholders for names in their paths: of who is signed in, and of others."""
    mine, others = _people(recorded)
    known = dict.fromkeys(mine, "{username}") | dict.fromkeys(others - mine, "{other}")

    def step(text: str) -> str:
        return known.get(unquote(text), text)

    replaced = []
    for one in recorded:
        path = "/".join(map(step, one.operation.path.split("/")))
        replaced.append(replace(one, operation=replace(one.operation, path=path)))
    return replaced


def _people(recorded: Sequence[Recorded]) -> tuple[set[str], set[str]]:
    """Return the names of those who signed in or registered, and of those who were written to."""
    mine, others = set[str](), set[str]()
    for one in recorded:
        given = [Field(name, name, value) for name, value in one.operation.fields.items()]
        secret = nearest("sign_in.password", "password", given)
        name = nearest("sign_in.username", "username", given)
        recipient = nearest("send.recipient", "to", given)
        if secret is not None and name is not None:
            mine.add(str(name.value))
        elif recipient is not None and nearest("send.content", "content", given) is not None:
            others.add(str(recipient.value))
        if scheme_of(one) == "basic":
            mine.add(_basic_name(one.sent["authorization"]))
    return mine - {""}, others - {""}


def _basic_name(header: str) -> str:
    try:
        return base64.b64decode(header.split()[1], validate=True).decode().partition(":")[0]
    except (ValueError, IndexError):
        return ""


def _merged(recorded: Sequence[Recorded]) -> list[Described]:
    """Return each operation once, with all parameters, and the answer that has the most in it."""
    found: dict[tuple[str, str], Described] = {}
    for one in recorded:
        operation = one.operation
        known = found.setdefault((operation.method, operation.path), operation)
        richest = max(known, operation, key=_richness)
        query = {**known.query, **operation.query}
        fields, headers = {**known.fields, **operation.fields}, {**known.headers, **operation.headers}
        status = known.status if known.answer is not None else operation.status
        merged = replace(richest, query=query, fields=fields, headers=headers, status=status)
        found[operation.method, operation.path] = merged
    return list(found.values())


def _richness(operation: Described) -> tuple[int, int]:
    page = list_of_messages(operation.answer)
    return len(page.value) if page else 0, len(json.dumps(operation.answer)) if operation.answer else 0


def scheme_of(one: Recorded) -> str:
    """Return the scheme of a request's Authorization, in lower case; '' without one."""
    return one.sent.get("authorization", "").partition(" ")[0].lower()


def _auth(recorded: Sequence[Recorded], roles: Mapping[str, Described]) -> tuple[str, str]:
    """Return what shows who asks, and the name of its header."""
    sign_in = roles.get("sign_in")
    token = nearest("sign_in.token", "token", fields_of(sign_in.answer)) if sign_in else None
    asking = [one for one in recorded if one.operation.path in {each.path for each in roles.values()}]
    for one in asking:
        if scheme_of(one) in ("bearer", "basic"):
            return scheme_of(one), ""
    for one in asking:
        for name, value in one.sent.items():
            if token is not None and value == token.value:
                return "header", "-".join(part.capitalize() for part in name.split("-"))
    sets_cookie = sign_in is not None and "set-cookie" in sign_in.answer_headers
    if sets_cookie and (any("cookie" in one.sent for one in asking) or token is None):
        return "cookie", ""
    return ("bearer" if token is not None else ""), ""


def _read_polls(source: Source, recorded: Sequence[Recorded], roles: Mapping[str, Described]) -> None:
    """Tell the order of a page, and where a cursor came from, by the polls that follow each other."""
    poll = roles.get("poll")
    polls = [one.operation for one in recorded if poll and one.operation.path == poll.path]
    polls = [each for each in polls if each.method == "GET"]
    if order := next(filter(None, map(_order, polls)), ""):
        source.found["semantics.page_order"] = order
    for earlier, later in itertools.pairwise(polls):
        found = _cursor_from(earlier, later)
        if found is not None:
            name, place, kind = found
            kind = "none" if RECEIPT.search(name) else kind
            source.found |= {"wire.poll.since": name, "wire.poll.next_since": place}
            if kind:
                source.found["semantics.cursor"] = kind
            return


def _order(poll: Described) -> str:
    page = list_of_messages(poll.answer)
    if page is None:
        return ""
    for key in ("seq", "timestamp", "id"):
        fields = [nearest(f"message.{key}", key, fields_of(each)) for each in page.value]
        values = [each.value for each in fields if each is not None]
        if len(values) > 1 and len({type(each) for each in values}) == 1 and len(set(values)) > 1:
            return "oldest_first" if values == sorted(values) else "newest_first"
    return ""


def _cursor_from(earlier: Described, later: Described) -> tuple[str, str, str] | None:
    """Return the parameter of a poll that an earlier answer told: its name, where it was, and its kind."""
    page = list_of_messages(earlier.answer)
    given = {**later.query, **{f"header:{name}": value for name, value in later.headers.items()}}
    asked = [Field(name, name.removeprefix("header:"), value) for name, value in given.items()]
    for each in asked:
        if nearest("poll.limit", "limit", [each]) or nearest("poll.wait", "wait", [each]):
            continue
        for place, value, kind in _told(earlier, page):
            if str(value) == each.value:
                return each.place, place, kind
    return None


def _told(answer: Described, page: Field | None) -> Iterator[tuple[str, Any, str]]:
    """Yield what an answer told that could be a cursor: its place, its value and its kind, '' if unclear."""
    of_messages: dict[str, str] = {}
    if page is not None and page.value:
        last = page.value[-1]
        kinds = (("timestamp", "timestamp"), ("seq", "sequence"), ("id", "id"))
        near = {kind: nearest(f"message.{key}", key, fields_of(last)) for key, kind in kinds}
        of_messages = {str(each.value): kind for kind, each in near.items() if each is not None}
    for each in fields_of(answer.answer):
        if isinstance(each.value, str | int) and not isinstance(each.value, bool):
            stamp = "timestamp" if _STAMPS.match(str(each.value)) else ""
            yield each.place, each.value, of_messages.get(str(each.value), stamp)
    for name, value in answer.answer_headers.items():
        yield f"header:{name}", value, "header"
    if page is not None and page.value:
        prefix = "" if page.place == "@" else page.place
        for each in fields_of(page.value[-1]):
            yield f"{prefix}[-1].{each.place}", each.value, of_messages.get(str(each.value), "")
