"""From what a server's operations look like to the keys of its profile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.adapters.wire import HEADER, PLACEHOLDERS, Wire
from harness.authoring.described import Described, Source, list_of_messages, roles_of
from harness.authoring.fields import Field, fields_of, nearest
from harness.authoring.misfits import read_keys

NOT_FOUND = {
    "register": "how users are created: `wire.user_list` has to name some",
    "sign_in": "how users sign in: see [wire.sign_in]",
    "send": "how a message is sent: see [wire.send]",
    "poll": "how a mailbox is polled: see [wire.poll]",
}
USERS = [{"username": name, "password": "change me"} for name in ("alice", "bob")]
RECEIPT = re.compile(r"receipt|ack", re.IGNORECASE)
"""A parameter with this in its name says what was read: reading deletes."""
EPOCHS = (("epoch_us", 10**14), ("epoch_ms", 10**11), ("epoch_s", 10**8))


@dataclass
class Draft:
    """The keys of a profile, such as `wire.send.ok`, and what could not be told."""

    values: dict[str, Any] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)


def draft_of(source: Source) -> Draft:
    """Return what a document or a recording tells of a profile."""
    draft = Draft(unclear=list(source.unclear))
    roles = roles_of(source.operations)
    draft.values["url"] = source.url
    draft.values["wire.prefix"] = source.prefix
    _draft_auth(draft, source, roles)
    for role in ("register", "sign_in", "send", "poll"):
        if role in roles:
            _draft_operation(draft, role, roles[role])
        elif not (role == "sign_in" and draft.values["wire.auth"] in ("basic", "none")):
            draft.unclear.append(NOT_FOUND[role])
    _draft_missing(draft, roles)
    if "poll" in roles:
        _draft_page(draft, roles["poll"])
    _draft_history(draft, roles.get("history"))
    draft.values |= source.found
    _draft_semantics(draft, roles, source)
    return draft


def _draft_auth(draft: Draft, source: Source, roles: Mapping[str, Described]) -> None:
    auth = source.auth or ("bearer" if "sign_in" in roles else "none")
    if not source.auth:
        draft.unclear.append(f'what shows who asks: `wire.auth` is "{auth}"')
    draft.values["wire.auth"] = auth
    if auth == "header":
        draft.values["wire.auth_header"] = source.auth_header


def _draft_missing(draft: Draft, roles: Mapping[str, Described]) -> None:
    if "register" not in roles:
        draft.values |= {"wire.users": "list", "wire.user_list": USERS}
    if "sign_in" not in roles:
        draft.values["wire.sign_in.path"] = ""


def _draft_operation(draft: Draft, role: str, operation: Described) -> None:
    """Fill in how an operation is asked, and what its answer says."""
    table, into = getattr(Wire(), role), f"wire.{role}"
    draft.values[f"{into}.method"] = operation.method
    draft.values[f"{into}.path"] = _path(draft, role, operation)
    draft.values[f"{into}.body"] = "query" if operation.method == "GET" else operation.body
    draft.values[f"{into}.ok"] = operation.status
    _draft_request(draft, role, operation)
    if role == "poll":
        return
    for key in read_keys(table):
        near = nearest(f"{role}.{key}", getattr(table, key), fields_of(operation.answer))
        draft.values[f"{into}.{key}"] = near.place if near else ""
    needs_token = role == "sign_in" and draft.values["wire.auth"] in ("bearer", "header")
    if needs_token and not draft.values[f"{into}.token"]:
        draft.values[f"{into}.token"] = "token"
        draft.unclear.append("where the token is in the answer to a sign-in: see `wire.sign_in.token`")


def _draft_request(draft: Draft, role: str, operation: Described) -> None:
    """Name the fields of a request; "" is a field that the server does not have."""
    table, used = getattr(Wire(), role), set[str]()
    in_path = set(re.findall(r"\{(\w+)\}", draft.values[f"wire.{role}.path"]))
    for key in table.REQUEST:
        given = [each for each in _fields(operation) if each.name not in used]
        near = None if key in in_path else nearest(f"{role}.{key}", getattr(table, key), given)
        draft.values[f"wire.{role}.{key}"] = near.place if near else ""
        used |= {near.name} if near else set()
    left = [each for each in _fields(operation) if each.name not in used]
    extra = {each.place: each.value for each in left if isinstance(each.value, Fixed)}
    if extra and role != "poll":
        draft.values[f"wire.{role}.fields"] = extra


def _fields(operation: Described) -> Iterator[Field]:
    given = operation.query if operation.method == "GET" else {**operation.fields}
    for name, value in given.items():
        yield Field(name, name.rpartition("/")[2], "text" if value is None else value)
    for name, value in operation.headers.items():
        yield Field(f"{HEADER}{name}", name.removeprefix("X-"), value)


class Fixed(str):
    """A string that is the only legal one, and is always sent."""

    __slots__ = ()


def _path(draft: Draft, role: str, operation: Described) -> str:
    """Return a path with the placeholders of a profile."""
    legal = PLACEHOLDERS[role]
    user = {"send": "recipient", "history": "other"}.get(role, "username")
    names, taken = {}, set[str]()
    for name in operation.names:
        field_ = [Field(name, name, "text")]
        keys = [key for key in sorted(legal) if f"{role}.{key}" in _NAMED and key not in taken]
        found = [key for key in keys if nearest(f"{role}.{key}", "", field_) is not None]
        key = found[0] if found else user if user in legal and user not in taken else ""
        if role == "history" and len(operation.names) > 1 and name == operation.names[0]:
            key = "username"
        taken.add(key)
        names[name] = f"{{{key}}}" if key else name
        if not key:
            draft.unclear.append(f"what {{{name}}} is in `wire.{role}.path`: replace it")
    parts = re.split(r"\{([^{}]*)\}", operation.path)
    literal = (part.replace("{", "{{").replace("}", "}}") for part in parts[::2])
    placed = [names[name] for name in parts[1::2]]
    return "".join(f"{text}{name}" for text, name in zip(literal, [*placed, ""], strict=True))


_NAMED = frozenset(
    {
        "poll.since",
        "poll.limit",
        "poll.wait",
        "history.limit",
        "history.before",
        "send.sender",
        "send.recipient",
    }
)


def _draft_page(draft: Draft, operation: Described) -> None:
    """Fill in where an answer to a poll has its messages, its cursor and the rest."""
    values, answer = draft.values, operation.answer
    page = list_of_messages(answer)
    values["wire.poll.messages"] = page.place if page else "messages"
    if page is None:
        draft.unclear.append("where the messages are in the answer to a poll: see `wire.poll.messages`")
    message = page.value[0] if page and page.value else {}
    _draft_message(draft, message)
    for key in ("has_more", "gap", "source", "degraded", "now"):
        near = nearest(f"poll.{key}", key, fields_of(answer))
        values[f"wire.poll.{key}"] = near.place if near else ""
    values["wire.poll.next_since"] = _cursor(draft, operation, message)


def _cursor(draft: Draft, operation: Described, message: Mapping[str, Any]) -> str:
    """Return where the cursor is: in the answer, in a header, or in the last message."""
    near = nearest("poll.next_since", "next_since", fields_of(operation.answer))
    if near is not None:
        return near.place
    headers = [name for name in operation.answer_headers if re.search("etag|cursor", name, re.IGNORECASE)]
    if headers:
        return f"{HEADER}{headers[0]}"
    since = draft.values["wire.poll.since"]
    keys = ("id", "seq", "timestamp") if re.search("id|seq|offset", since) else ("timestamp", "id", "seq")
    places = [draft.values.get(f"wire.message.{key}") for key in keys]
    place = next((each for each in places if each), "")
    page = draft.values["wire.poll.messages"]
    return f"{'' if page == '@' else page}[-1].{place}" if place and since else ""


def _draft_message(draft: Draft, message: Mapping[str, Any]) -> None:
    used = set[str]()
    for key in ("id", "content", "sender", "recipient", "timestamp", "seq", "client_message_id"):
        left = [each for each in fields_of(message) if each.place not in used]
        near = nearest(f"message.{key}", getattr(Wire().message, key), left)
        used |= {near.place} if near else set()
        if near is None and key == "sender":
            draft.unclear.append('who sent a message: `wire.message.sender` is ""')
        if near is None and key in ("id", "content"):
            draft.unclear.append(f"where the {key} is in a message: see `wire.message.{key}`")
            continue
        draft.values[f"wire.message.{key}"] = near.place if near else ""
        if key == "timestamp" and near is not None:
            _draft_timestamps(draft, near.value)


def _draft_timestamps(draft: Draft, value: Any) -> None:
    if isinstance(value, str):
        return
    unit = next((name for name, least in EPOCHS if value >= least), "")
    if not unit:
        unit = "epoch_ms"
        draft.unclear.append('the unit of timestamps: `wire.timestamps` is "epoch_ms"')
    draft.values["wire.timestamps"] = unit


def _draft_history(draft: Draft, operation: Described | None) -> None:
    page = list_of_messages(operation.answer) if operation else None
    if operation is None or page is None or "{other}" not in (path := _path(draft, "history", operation)):
        draft.values["wire.history.path"] = ""
        return
    draft.values |= {"wire.history.path": path, "wire.history.messages": page.place}
    draft.values["wire.history.ok"] = operation.status
    _draft_request(draft, "history", operation)


def _draft_semantics(draft: Draft, roles: Mapping[str, Described], source: Source) -> None:
    values = draft.values
    values.setdefault("semantics.cursor", _cursor_kind(draft, roles.get("poll")))
    if not values.get("wire.send.client_message_id"):
        values["semantics.retry"] = "none"
    if not values.get("wire.poll.gap"):
        values["semantics.gap_signalled"] = False
    if "semantics.page_order" not in values:
        draft.unclear.append("the order of a page: `semantics.page_order` is the default; `try` shows it")
    values["has.held_polls"] = bool(values.get("wire.poll.wait"))


def _cursor_kind(draft: Draft, poll: Described | None) -> str:
    """Return what the next poll names, by the name and the place of the cursor."""
    place, since = draft.values.get("wire.poll.next_since", ""), draft.values.get("wire.poll.since", "")
    if poll is None:
        return "timestamp"
    if not since and not place:
        draft.unclear.append('what a poll goes on from: `semantics.cursor` is "none", reading deletes')
        return "none"
    if place.startswith(HEADER):
        return "header"
    if RECEIPT.search(since):
        return "none"
    last = re.split(r"[.\]]", place)[-1]
    for key, kind in (("timestamp", "timestamp"), ("seq", "sequence"), ("id", "id")):
        if last and last == draft.values.get(f"wire.message.{key}") and "[" in place:
            return kind
    sample = _sample(poll, since, place)
    if re.search(r"(^|_)id|Id$", since) or re.search(r"(^|_)id|Id$", last):
        return "id"
    if re.search("seq|offset", f"{since} {last}", re.IGNORECASE):
        return "sequence"
    if isinstance(sample, str) and re.match(r"\d{4}-\d\d-\d\d", sample):
        return "timestamp"
    if isinstance(sample, int) and draft.values.get("wire.timestamps") and sample >= EPOCHS[-1][1]:
        return "timestamp"
    draft.unclear.append('whether a cursor can be compared: `semantics.cursor` is "token", which is never')
    return "token"


def _sample(poll: Described, since: str, place: str) -> Any:
    answered = next((each.value for each in fields_of(poll.answer) if each.place == place), None)
    given = poll.query.get(since)
    is_date = isinstance(given, str) and re.match(r"\d{4}-\d\d-\d\d", given)
    return given if is_date or answered is None else answered
