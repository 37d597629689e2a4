"""From a raw answer to what it says, by the profile's `[wire]`.

An answer that lacks a field, or has a value of another type there, or is not JSON, proves nothing: its
outcome is unknown, and it is marked as unreadable. If no answer ever had the field as the profile says, the
profile is wrong and not the server.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from http.cookies import CookieError, SimpleCookie
from types import NoneType
from typing import Any, NoReturn, TypeGuard

from harness.adapters.epochs import as_text
from harness.adapters.http import NOT_AN_OBJECT, NOT_JSON
from harness.adapters.results import Ack, Answer, Failed, Message, Page, Said, Session
from harness.adapters.wire import HEADER, Success, Where, Wire
from harness.errors import DoesNotFit
from harness.history import Outcome, Unreadable

ENOUGH_WITHOUT_JSON = {"sign_in": 1}
"""After this many answers that are not JSON, and none that is, the profile does not fit."""
ENOUGH_BY_DEFAULT = 3
"""Now and then a server that is broken answers with a page of its proxy, perhaps also the first time."""
SHOWN = 40
"""How many characters of an answer a sentence shows."""
CONTRACT = Wire()
"""The endpoints and answers of docs/contract.md."""


class _Unfit(Exception):
    """An answer does not have what the profile says at `key`; the sentence says what it has."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


class Reader:
    """Reads answers. `has_timestamp_cursor`: a cursor is a timestamp, written as the wire has them.

    While something `is_broken` on purpose, no answer shows that the profile does not fit.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        has_timestamp_cursor: bool = True,
        newest_first: bool = False,
        is_broken: Callable[[], bool] = lambda: False,
    ) -> None:
        self.wire = wire
        self._is_broken = is_broken
        self._converts = has_timestamp_cursor and wire.timestamps != "text"
        self._has_text_cursor = has_timestamp_cursor and wire.timestamps == "text"
        self._newest_first = newest_first
        self._fits: set[str] = set()
        """The operations of which an answer was read, and the keys whose value was read."""
        self._without_json: Counter[str] = Counter()
        """How many answers of an operation were not JSON."""

    def registered(self, answer: Answer) -> Said:
        """Return what the answer to a registration says: nothing. Raise Failed."""
        self._require("register", answer, self.wire.register.ok)
        self._fits.add("register")
        return Said(answer=answer)

    def session(self, answer: Answer) -> Session:
        """Return what a sign-in brings. Raise Failed."""
        self._require("sign_in", answer, self.wire.sign_in.ok)
        if self.wire.auth in ("basic", "none"):
            return Session(answer=answer)
        try:
            token = self._token(answer)
        except _Unfit as unfit:
            self._unreadable(answer, unfit)
        self._fits.add("sign_in")
        return Session(token, answer=answer)

    def _token(self, answer: Answer) -> str:
        if self.wire.auth == "cookie":
            token: object = cookies_of(answer)
            if not token:
                raise _Unfit("sign_in", "the answer to a sign-in sets no cookie")
        else:
            where = self.wire.sign_in.token
            value = None if where.startswith(HEADER) else self._json(answer, "sign_in")
            token = self._there("sign_in.token", where, value, answer)
        if not fits_into_a_header(token):
            raise _Unfit("sign_in.token", "the token is not a string for a header")
        self._fits.add("sign_in.token")
        return token

    def ack(self, answer: Answer) -> Ack:
        """Return what the answer to a send says. Raise Failed."""
        table = self.wire.send
        self._require("send", answer, table.ok)
        try:
            ack = self._ack(answer)
        except _Unfit as unfit:
            self._unreadable(answer, unfit)
        self._fits.add("send")
        return ack

    def _ack(self, answer: Answer) -> Ack:
        table = self.wire.send
        places = (table.id, table.seq, table.timestamp, table.queued, table.replayed)
        needs_body = any(place and not place.startswith(HEADER) for place in places)
        is_empty = answer.error == NOT_JSON and not answer.text
        value = self._json(answer, "send") if needs_body and not is_empty else {}
        return Ack(
            id=_as_str(self._typed("send.id", table.id, value, answer, str, int, NoneType)),
            seq=self._number("send.seq", table.seq, value, answer),
            timestamp=self._timestamp("send.timestamp", table.timestamp, value, answer),
            queued=table.queued.of(value, answer),
            replayed=table.replayed.of(value, answer),
            answer=answer,
        )

    def page(self, answer: Answer, *, mailbox: str, since: str | None, operation: str = "poll") -> Page:
        """Return the messages of a poll of this user's mailbox from this cursor. Raise Failed."""
        table = getattr(self.wire, operation)
        try:
            if answer.status in table.none:
                return Page(next_since=self._cursor(None, answer) or since, answer=answer)
            self._require(operation, answer, table.ok)
            page = self._page(answer, table.messages, mailbox, since, operation)
        except _Unfit as unfit:
            self._unreadable(answer, unfit)
        self._fits.add(operation)
        return page

    def _page(self, answer: Answer, where: Where, mailbox: str, since: str | None, operation: str) -> Page:
        value, poll = self._json(answer, operation), self.wire.poll
        key = f"{operation}.messages"
        listed = self._of_type(key, where, self._there(key, where, value, answer), list)
        messages = [self._message(each, mailbox, operation) for each in listed]
        if self._newest_first:
            messages.reverse()
        if operation != "poll":
            return Page(messages, answer=answer)
        cursor = self._cursor(value, answer)
        if cursor is None and messages:
            raise _Unfit("poll.next_since", _lacks("poll.next_since", poll.next_since, value))
        now = poll.now.of(value, answer)
        return Page(
            messages=messages,
            next_since=since if cursor is None else cursor,
            has_more=self._typed("poll.has_more", poll.has_more, value, answer, bool, int, NoneType),
            gap=poll.gap.of(value, answer),
            source=poll.source.of(value, answer),
            degraded=poll.degraded.of(value, answer),
            now=now if isinstance(now, str) or now is None else self._epoch("poll.now", now),
            answer=answer,
        )

    def _message(self, given: Any, mailbox: str, operation: str) -> Message:
        where = self.wire.message
        if not isinstance(given, Mapping):
            sentence = f"a message of {_ANSWER_TO[operation]} is {name_of(given)}, not an object"
            raise _Unfit("message", sentence)
        self._fits.add("message")
        id_ = self._there("message.id", where.id, given)
        sender = self._there("message.sender", where.sender, given)
        content = self._there("message.content", where.content, given)
        sender = self._of_type("message.sender", where.sender, sender, str, *_none_unless(where.sender))
        recipient = self._typed("message.recipient", where.recipient, given, None, str, NoneType)
        own_id, place = "message.client_message_id", where.client_message_id
        return Message(
            id=str(self._of_type("message.id", where.id, id_, str, int)),
            sender="" if sender is None else sender,
            recipient=mailbox if recipient is None else recipient,
            content=self._of_type("message.content", where.content, content, str),
            timestamp=self._timestamp("message.timestamp", where.timestamp, given),
            seq=self._number("message.seq", where.seq, given),
            client_message_id=self._typed(own_id, place, given, None, str, int, NoneType),
        )

    def _there(self, key: str, where: Where, value: Any, answer: Answer | None = None) -> Any:
        """Return what is at a field's place. Raise _Unfit where an answer has nothing there."""
        found = where.of(value, answer)
        if _is_absent(found, where, value):
            raise _Unfit(key, _lacks(key, where, value))
        return found

    def _typed(self, key: str, where: Where, value: Any, answer: Answer | None, *types: type) -> Any:
        """Return what is at a field's place. Raise _Unfit for a value of another type than these."""
        return self._of_type(key, where, where.of(value, answer), *types)

    def _of_type(self, key: str, where: Where, found: Any, *types: type) -> Any:
        """Return what was found at a field's place. Raise _Unfit if it is of another type than these."""
        if not isinstance(found, types):
            wanted = " or ".join(dict.fromkeys(_NAMES[each] for each in types if each is not NoneType))
            raise _Unfit(key, f"{_naming(key, where)} is {name_of(found)}, not a {wanted}")
        if found is not None:
            self._fits.add(key)
        return found

    def _number(self, key: str, where: Where, value: Any, answer: Answer | None = None) -> int | None:
        """Return the number of a message; a string of digits is one. Raise _Unfit for another value."""
        found = where.of(value, answer)
        if isinstance(found, str) and found.isascii() and found.isdigit():
            self._fits.add(key)
            return int(found)
        number: int | None = self._of_type(key, where, found, int, NoneType)
        return number

    def _timestamp(self, key: str, where: Where, value: Any, answer: Answer | None = None) -> str | None:
        found = where.of(value, answer)
        if found is not None and self.wire.timestamps != "text":
            return self._epoch(key, found)
        text: str | None = self._of_type(key, where, found, str, NoneType)
        return text

    def _epoch(self, key: str, value: Any) -> str:
        """Return a number as a timestamp. Raise _Unfit."""
        try:
            text = as_text(value, self.wire.timestamps)
        except (TypeError, ValueError) as error:
            raise _Unfit(key, f"{error} (`wire.{key}`, `wire.timestamps`)") from None
        self._fits.add(key)
        return text

    def _cursor(self, value: Any, answer: Answer) -> str | None:
        kinds = (str, NoneType) if self._has_text_cursor else (str, int, float, NoneType)
        key, where = "poll.next_since", self.wire.poll.next_since
        found = self._typed(key, where, value, answer, *kinds)
        if found is None:
            return None
        cursor = self._epoch(key, found) if self._converts else str(found)
        try:
            cursor.encode()  # the cursor goes into a URL
        except UnicodeEncodeError as error:
            raise _Unfit(key, f"{_naming(key, where)} is not text: {error}") from None
        return cursor

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

    def _json(self, answer: Answer, operation: str) -> Any:
        """Return the JSON value of a body, also one that is not an object. Raise Failed, DoesNotFit."""
        if answer.error is None:
            return answer.body
        if answer.error == NOT_AN_OBJECT:
            return json.loads(answer.text)
        failed = self._failed(answer, Outcome.UNKNOWN)
        if answer.error == NOT_JSON:
            failed.unreadable = Unreadable.BODY
            self._without_json[operation] += operation not in self._fits
            if self._without_json[operation] >= ENOUGH_WITHOUT_JSON.get(operation, ENOUGH_BY_DEFAULT):
                self._never_json(operation, answer)
        raise failed

    def _never_json(self, operation: str, answer: Answer) -> None:
        """Raise DoesNotFit unless an answer of this operation was read before, or something is broken."""
        if operation not in self._fits and not self._is_broken():
            begins = f"; it begins with {answer.text[:SHOWN]!r}" if answer.text else "; it is empty"
            raise DoesNotFit(
                f"The profile does not fit the server: {_ANSWER_TO[operation]} is not JSON{begins}."
            )

    def _unreadable(self, answer: Answer, unfit: _Unfit) -> NoReturn:
        """Raise DoesNotFit unless the value was read before; then the answer alone is malformed: Failed."""
        if unfit.key not in self._fits and not self._is_broken():
            raise DoesNotFit(f"The profile does not fit the server: {unfit}.")
        failed = self._failed(answer, Outcome.UNKNOWN, f"malformed answer: {unfit}")
        failed.unreadable = Unreadable.CONTRACT if self.wire == CONTRACT else Unreadable.FIELDS
        raise failed


_ASKED = {
    "register": "a registration",
    "sign_in": "a sign-in",
    "send": "a send",
    "poll": "a poll",
    "history": "a read of a conversation",
}
_ANSWER_TO = {operation: f"the answer to {asked}" for operation, asked in _ASKED.items()}
_NAMES: Mapping[type, str] = {
    list: "list",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
}


def _none_unless(where: Where) -> tuple[type, ...]:
    """Return the type of None for a field that no message has."""
    return () if where else (NoneType,)


def _is_absent(found: Any, where: Where, value: Any) -> bool:
    """Return whether an answer has nothing there; null, where it has the field, is a wrong value."""
    return bool(where) and found is None and not (isinstance(value, Mapping) and str(where) in value)


def _as_str(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _naming(key: str, where: Where) -> str:
    """Return a field's name in an answer, and the profile's key that names it."""
    return f"`{where}` (`wire.{key}`) in {_what_has(key)}"


def _what_has(key: str) -> str:
    """Return what a field of this key is in."""
    operation = key.partition(".")[0]
    return "a message" if operation == "message" else _ANSWER_TO[operation]


def _lacks(key: str, where: Where, value: Any) -> str:
    """Return that an answer has nothing at a field's place, and what is nearest to it."""
    sentence = f"{_what_has(key)} has no `{where}` (`wire.{key}`)"
    if not isinstance(value, Mapping):
        return f"{sentence}; it is {name_of(value)}"
    near = get_close_matches(str(where), list(value), n=1, cutoff=0.5)
    near += [name for name in value if str(where).lower() in str(name).lower() and name not in near]
    has = f"`{near[0]}`" if near else ", ".join(f"`{name}`" for name in list(value)[:8]) or "nothing"
    return f"{sentence}; it has {has}"


def name_of(value: Any) -> str:
    """Return what a JSON value is called, with its article."""
    if isinstance(value, Mapping):
        return "an object"
    return f"a {_NAMES[type(value)]}" if type(value) in _NAMES else "null"


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
