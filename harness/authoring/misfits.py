"""Fields that an answer lacks, each in a sentence with what is nearest and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.adapters.bounded_http import LONGEST_BODY_BYTES
from harness.adapters.reading import cookies_of, name_of
from harness.adapters.results import Answer
from harness.adapters.wire import HEADER, Where, Wire
from harness.authoring.fields import FITS, Field, fields_of, is_scalar, nearest, step
from harness.authoring.statuses import ASKED, Exchange, advice, begun

MOST_NAMES = 8


def value_of(answer: Answer) -> Any:
    """Return the JSON value of a body, of any type. Raise ValueError where it is not JSON."""
    if answer.error is None:
        return answer.body
    try:
        return json.loads(answer.text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def body_problem(operation: str, exchange: Exchange) -> str:
    """Return what is wrong with a body that is not JSON."""
    answer, asked = exchange.answer, ASKED[operation]
    if answer.error and str(LONGEST_BODY_BYTES) in answer.error:
        return f"The answer to {asked} was not read: {answer.error}."
    if not answer.text.strip():
        hint = f"; if {answer.status} means that nothing is new, {advice(f'{operation}.none', answer.status)}"
        return f"The answer to {asked} is empty{hint if operation in ('poll', 'history') else '.'}"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if "html" in kind or answer.text.lstrip()[:1] == "<":
        page = (
            "HTML" if "html" in kind or "<html" in answer.text[:200].lower() else "not JSON but XML or HTML"
        )
        return (
            f"The answer to {asked} is {page}: {exchange.request.path} may be a page for people;"
            f" see `wire.{operation}.path` and `wire.prefix`."
        )
    return f"The answer to {asked} is not JSON{f' but {kind}' if kind and 'json' not in kind else ''}."


def missing(wire: Wire, operation: str, answer: Answer, *, cursor_is_needed: bool) -> Iterator[str]:
    """Yield a sentence for each field that an answer must have and lacks. Raise ValueError as `value_of`."""
    if operation == "sign_in":
        yield from _missing_token(wire, answer)
    if operation in ("poll", "history"):
        yield from _missing_in_page(wire, operation, answer, cursor_is_needed=cursor_is_needed)


def _missing_token(wire: Wire, answer: Answer) -> Iterator[str]:
    if wire.auth == "cookie" and not cookies_of(answer):
        yield 'The answer to the sign-in sets no cookie, and `wire.auth` is "cookie".'
    if wire.auth not in ("bearer", "header"):
        return
    where = wire.sign_in.token
    value = None if where.startswith(HEADER) else value_of(answer)
    lack = _lack("sign_in.token", where, value, answer, list(fields_of(value)))
    if lack and cookies_of(answer):
        lack += ' It sets a cookie: with that, `wire.auth` is "cookie".'
    if lack:
        yield lack


def _missing_in_page(wire: Wire, operation: str, answer: Answer, *, cursor_is_needed: bool) -> Iterator[str]:
    value, table = value_of(answer), getattr(wire, operation)
    every = [*([Field("@", "@", value)] if isinstance(value, list) else []), *fields_of(value)]
    if isinstance(value, list) and table.messages != "@":
        yield f"The answer to {ASKED[operation]} is a list. {advice(f'{operation}.messages', '@')}"
        return
    if lack := _lack(f"{operation}.messages", table.messages, value, answer, every):
        yield lack
        return
    messages = table.messages.of(value, answer)
    first = messages[0] if messages else None
    if isinstance(first, Mapping):
        needed = ("id", "sender", "content") if wire.message.sender else ("id", "content")
        for key in needed:
            if lack := _lack(
                f"message.{key}", getattr(wire.message, key), first, None, list(fields_of(first))
            ):
                yield lack
    if operation == "poll" and messages and cursor_is_needed:
        yield from _missing_cursor(wire, answer, value, every, first)


def _missing_cursor(
    wire: Wire, answer: Answer, value: Any, every: Sequence[Field], first: Any
) -> Iterator[str]:
    where = wire.poll.next_since
    headers = [Field(f"{HEADER}{name}", name, text) for name, text in answer.headers.items()]
    headers = [each for each in headers if "etag" in each.name.lower() or "cursor" in each.name.lower()]
    stamps = nearest("message.timestamp", wire.message.timestamp, list(fields_of(first)))
    of_the_last = []
    if stamps is not None:
        page = "" if wire.poll.messages == "@" else wire.poll.messages
        last = f"{page}[-1].{stamps.place}"
        of_the_last = [Field(last, "next_since", stamps.value)]
    if lack := _lack("poll.next_since", where, value, answer, [*every, *headers], of_the_last):
        yield lack


def _lack(
    key: str,
    where: Where,
    value: Any,
    answer: Answer | None,
    candidates: Iterable[Field],
    otherwise: Sequence[Field] = (),
) -> str:
    """Return that a field is missing or of another type, and what to write instead; '' if it is there."""
    found = where.of(value, answer)
    fits = FITS.get(key.rpartition(".")[2], is_scalar)
    if found is not None and fits(found):
        return ""
    operation = key.partition(".")[0]
    of = "a message of the poll" if operation == "message" else f"the answer to {ASKED[operation]}"
    said = f"{begun(of)} has no `{where}` (`wire.{key}`)"
    if not where:
        said = f"`wire.{key}` is empty, and it is needed"
    elif found is not None:
        said = f"{begun(of)} has {name_of(found)} at `{where}` (`wire.{key}`), which does not fit"
    near = nearest(key, str(where), candidates) or next(iter(otherwise), None)
    if near is not None:
        return f"{said}; it has `{near.place}`. {advice(key, near.place)}"
    return f"{said}; it has {_has(value, answer, where)}."


def _has(value: Any, answer: Answer | None, where: Where) -> str:
    if where.startswith(HEADER) and answer:
        names = [f"the header {name}" for name in answer.headers]
    elif not isinstance(value, Mapping):
        return f"{name_of(value)} instead of an object"
    else:
        names = [f"`{each}`" for each in map(step, map(str, value))]
    more = ", …" if len(names) > MOST_NAMES else ""
    return (", ".join(names[:MOST_NAMES]) or "nothing") + more


def unread(wire: Wire, operation: str, answer: Answer) -> Iterator[str]:
    """Yield what an answer lacks and need not have, where something is like it."""
    table = getattr(wire, operation)
    try:
        value = value_of(answer)
    except ValueError:
        return
    for prefix, place, inside in _places(wire, operation, table, value):
        used = [getattr(place, key) for key in read_keys(place)]
        spare = [each for each in fields_of(inside) if each.place not in used]
        for key in read_keys(place):
            where = getattr(place, key)
            if where and not where.startswith(HEADER) and where.of(inside, answer) is None:
                near = nearest(f"{prefix}.{key}", str(where), spare)
                if near is not None:
                    has = f"it has `{near.place}`. If that is meant: {advice(f'{prefix}.{key}', near.place)}"
                    yield f"There is no `{where}` (`wire.{prefix}.{key}`), which is not needed; {has}"


def _places(wire: Wire, operation: str, table: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the tables of keys by which an answer is read, and the value that each is about."""
    if isinstance(value, Mapping):
        yield operation, table, value
    messages = table.messages.of(value) if operation in ("poll", "history") else None
    if messages and isinstance(messages, list) and isinstance(messages[0], Mapping):
        yield "message", wire.message, messages[0]


def read_keys(table: Any) -> list[str]:
    """Return the keys of a table that say where a value is in the answer of a success."""
    return [
        key for key in table.__struct_fields__ if isinstance(getattr(table, key), Where) and key != "outcome"
    ]
