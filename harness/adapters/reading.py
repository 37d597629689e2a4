"""From a raw answer to what it says, by the profile's `[wire]`.

An answer that lacks a field, or has another type there, proves nothing: its outcome is unknown. If no answer
of that operation ever had the field, the profile is wrong and not the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from http.cookies import CookieError, SimpleCookie
from types import NoneType
from typing import Any, NoReturn, TypeGuard

from harness.adapters.epochs import as_text
from harness.adapters.http import NOT_AN_OBJECT, NOT_JSON
from harness.adapters.results import Ack, Answer, Failed, Message, Page, Said, Session
from harness.adapters.wire import HEADER, Success, Where, Wire
from harness.errors import DoesNotFit
from harness.history import Outcome


class _Missing(Exception):
    """An answer has nothing where a field should be; the sentence names it."""


class Reader:
    """Reads answers. `has_timestamp_cursor`: a cursor is a timestamp, written as the wire has them."""

    def __init__(self, wire: Wire, *, has_timestamp_cursor: bool = True, newest_first: bool = False) -> None:
        self.wire = wire
        self._converts = has_timestamp_cursor and wire.timestamps != "text"
        self._has_text_cursor = has_timestamp_cursor and wire.timestamps == "text"
        self._newest_first = newest_first
        self._fits: set[str] = set()
        """The operations of which an answer was read."""

    def registered(self, answer: Answer) -> Said:
        """Return what the answer to a registration says: nothing. Raise Failed."""
        self._require("register", answer, self.wire.register.ok)
        self._fits.add("register")
        return Said(answer=answer)

    def session(self, answer: Answer) -> Session:
        """Return what a sign-in brings. Raise Failed."""
        self._require("sign_in", answer, self.wire.sign_in.ok)
        if self.wire.auth == "cookie":
            token: object = cookies_of(answer)
            if not token:
                self._misfit("sign_in", answer, "the answer to a sign-in sets no cookie")
        elif self.wire.auth in ("basic", "none"):
            return Session(answer=answer)
        else:
            token = self._value_of("sign_in", answer, self.wire.sign_in.token, "token")
        if not fits_into_a_header(token):
            self._malformed(answer, "the token is not a string for a header")
        self._fits.add("sign_in")
        return Session(token, answer=answer)

    def ack(self, answer: Answer) -> Ack:
        """Return what the answer to a send says. Raise Failed."""
        table = self.wire.send
        self._require("send", answer, table.ok)
        is_empty = answer.error == NOT_JSON and not answer.text
        value = {} if is_empty else self._json(answer)
        try:
            ack = Ack(
                id=_id(_typed(table.id.of(value, answer), "id", str, int, NoneType)),
                seq=_number(table.seq.of(value, answer)),
                timestamp=self._timestamp(table.timestamp.of(value, answer)),
                queued=table.queued.of(value, answer),
                replayed=table.replayed.of(value, answer),
                answer=answer,
            )
        except (TypeError, ValueError) as error:
            self._malformed(answer, f"malformed answer: {error!r}")
        self._fits.add("send")
        return ack

    def page(self, answer: Answer, *, mailbox: str, since: str | None, operation: str = "poll") -> Page:
        """Return the messages of a poll of this user's mailbox from this cursor. Raise Failed."""
        table = getattr(self.wire, operation)
        if answer.status in table.none:
            return Page(next_since=self._cursor_of(None, answer) or since, answer=answer)
        self._require(operation, answer, table.ok)
        try:
            page = self._page(answer, table.messages, mailbox, since, operation)
        except _Missing as error:
            self._misfit(operation, answer, str(error))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self._malformed(answer, f"malformed answer: {error!r}")
        self._fits.add(operation)
        return page

    def _page(self, answer: Answer, where: Where, mailbox: str, since: str | None, operation: str) -> Page:
        value, poll = self._json(answer), self.wire.poll
        found = where.of(value, answer)
        if _is_absent(found, where, value):
            raise _Missing(_lacks(operation, "messages", where, value))
        messages = [self._message(each, mailbox, operation) for each in _typed(found, "messages", list)]
        if self._newest_first:
            messages.reverse()
        if operation != "poll":
            return Page(messages, answer=answer)
        cursor = self._cursor_of(value, answer)
        if cursor is None and messages:
            raise _Missing(_lacks(operation, "next_since", poll.next_since, value))
        now = poll.now.of(value, answer)
        return Page(
            messages=messages,
            next_since=since if cursor is None else cursor,
            has_more=_typed(poll.has_more.of(value, answer), "has_more", bool, int, NoneType),
            gap=poll.gap.of(value, answer),
            source=poll.source.of(value, answer),
            degraded=poll.degraded.of(value, answer),
            now=now if isinstance(now, str) or now is None else as_text(now, self.wire.timestamps),
            answer=answer,
        )

    def _message(self, given: Any, mailbox: str, operation: str) -> Message:
        where = self.wire.message
        if not isinstance(given, Mapping):
            raise TypeError(f"a message is of the type {type(given).__name__}")
        found = {name: getattr(where, name).of(given) for name in where.__struct_fields__}
        for name in ("id", "sender", "content"):
            if _is_absent(found[name], getattr(where, name), given):
                raise _Missing(_lacks(operation, f"message.{name}", getattr(where, name), given))
        own_id = _typed(found["client_message_id"], "client_message_id", str, int, NoneType)
        recipient = found["recipient"]
        return Message(
            id=str(_typed(found["id"], "id", str, int)),
            sender=_typed(found["sender"], "from", str),
            recipient=mailbox if recipient is None else _typed(recipient, "to", str),
            content=_typed(found["content"], "message", str),
            timestamp=self._timestamp(found["timestamp"]),
            seq=_number(found["seq"]),
            client_message_id=own_id,
        )

    def _timestamp(self, value: Any) -> str | None:
        if value is None:
            return None
        if self.wire.timestamps != "text":
            return as_text(value, self.wire.timestamps)
        return str(_typed(value, "timestamp", str))

    def _cursor_of(self, value: Any, answer: Answer) -> str | None:
        kinds = (str, NoneType) if self._has_text_cursor else (str, int, float, NoneType)
        found = _typed(self.wire.poll.next_since.of(value, answer), "next_since", *kinds)
        if found is None:
            return None
        cursor = as_text(found, self.wire.timestamps) if self._converts else str(found)
        cursor.encode()  # raises for a lone surrogate: the cursor goes into a URL
        return cursor

    def _value_of(self, operation: str, answer: Answer, where: Where, name: str) -> Any:
        value = None if where.startswith(HEADER) else self._json(answer)
        found = where.of(value, answer)
        if _is_absent(found, where, value):
            self._misfit(operation, answer, _lacks(operation, name, where, value))
        return found

    def _require(self, operation: str, answer: Answer, ok: Success) -> None:
        """Raise Failed unless the status is one of those that mean ok."""
        if answer.status in ok:
            return
        if answer.status is not None and 200 <= answer.status < 300 and operation not in self._fits:
            known = ", ".join(map(str, sorted(ok)))
            raise DoesNotFit(
                f"The profile does not fit the server: {_ASKED[operation]} was answered {answer.status},"
                f" and `wire.{operation}.ok` says {known}."
            )
        raise self._failed(answer, self._outcome(answer))

    def _outcome(self, answer: Answer) -> Outcome:
        """Return what an answer without success proves (contract, Guarantees)."""
        is_refused = answer.status is not None and 400 <= answer.status < 500
        is_refused = is_refused or self._stated(answer) == "not_stored"
        return Outcome.REFUSED if is_refused else Outcome.UNKNOWN

    def _stated(self, answer: Answer) -> Any:
        return self.wire.send.outcome.of(answer.body, answer)

    def _failed(self, answer: Answer, outcome: Outcome, error: str | None = None) -> Failed:
        detail = self.wire.detail.of(answer.body, answer)
        stated = self._stated(answer)
        return Failed(
            detail if isinstance(detail, str) else None,
            outcome=outcome,
            status=answer.status,
            answer=answer,
            error=error or answer.error,
            stated_outcome=stated if isinstance(stated, str) else None,
        )

    def _json(self, answer: Answer) -> Any:
        """Return the JSON value of a body, also one that is not an object. Raise Failed."""
        if answer.error is None:
            return answer.body
        if answer.error == NOT_AN_OBJECT:
            return json.loads(answer.text)
        raise self._failed(answer, Outcome.UNKNOWN)

    def _malformed(self, answer: Answer, error: str) -> NoReturn:
        raise self._failed(answer, Outcome.UNKNOWN, error)

    def _misfit(self, operation: str, answer: Answer, sentence: str) -> NoReturn:
        """Raise DoesNotFit unless an answer of this operation was read before; then it is malformed."""
        if operation in self._fits:
            self._malformed(answer, f"malformed answer: {sentence}")
        raise DoesNotFit(f"The profile does not fit the server: {sentence}.")


_ASKED = {
    "register": "a registration",
    "sign_in": "a sign-in",
    "send": "a send",
    "poll": "a poll",
    "history": "a read of a conversation",
}


def _typed(value: Any, name: str, *types: type) -> Any:
    """Return the value. Raise TypeError unless it is of one of these types: a server may send anything."""
    if not isinstance(value, types):
        raise TypeError(f"{name} is of the type {type(value).__name__}")
    return value


def _number(value: Any) -> int | None:
    """Return the number of a message; a string of digits is one. Raise TypeError for another value."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return _typed(value, "seq", int, NoneType)  # type: ignore[no-any-return] # by the types


def _is_absent(found: Any, where: Where, value: Any) -> bool:
    """Return whether an answer has nothing there; null, where it has the field, is a wrong value."""
    return bool(where) and found is None and not (isinstance(value, Mapping) and str(where) in value)


def _id(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _lacks(operation: str, key: str, where: Where, value: Any) -> str:
    """Return that an answer has nothing at a field's place, and what is nearest to it."""
    part = "a message of " if key.startswith("message.") else ""
    sentence = f"{part}the answer to {_ASKED[operation]} has no `{where}` (`wire.{_key(operation, key)}`)"
    if not isinstance(value, Mapping):
        return f"{sentence}; it is a JSON {_name_of(value)}"
    near = get_close_matches(str(where), list(value), n=1, cutoff=0.5)
    near += [name for name in value if str(where).lower() in str(name).lower() and name not in near]
    has = f"`{near[0]}`" if near else ", ".join(f"`{name}`" for name in list(value)[:8]) or "nothing"
    return f"{sentence}; it has {has}"


def _key(operation: str, key: str) -> str:
    return key if key.startswith("message.") else f"{operation}.{key}"


def _name_of(value: Any) -> str:
    return {list: "list", str: "string", int: "number", float: "number", bool: "boolean"}.get(
        type(value), "null"
    )


def cookies_of(answer: Answer) -> str:
    """Return the cookies that an answer sets, for later requests; '' if it sets none."""
    return "; ".join(f"{name}={value}" for name, value in _cookies(answer))


def _cookies(answer: Answer) -> Iterator[tuple[str, str]]:
    every = getattr(answer.headers, "getlist", None)
    lines = every("Set-Cookie") if every else filter(None, [answer.headers.get("Set-Cookie")])
    for line in lines:
        try:
            found = SimpleCookie(line)
        except CookieError:
            continue
        for name, morsel in found.items():
            yield name, morsel.coded_value


def fits_into_a_header(token: object) -> TypeGuard[str]:
    """Return whether a token can be sent in a header as it is."""
    return isinstance(token, str) and token.isascii() and token.isprintable()
