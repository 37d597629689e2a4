"""The fields of a JSON value, each with its JMESPath, and which of them is meant by a key of a profile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

DEEPEST = 3
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_ALIKE = 0.7
"""From this likeness on, two names are taken for the same word spelled otherwise."""


@dataclass(frozen=True)
class Field:
    """A value in a JSON value; `place` is its JMESPath, `name` the last step of it."""

    place: str
    name: str
    value: Any

    @property
    def depth(self) -> int:
        """How many objects it is inside of."""
        return self.place.count(".")


def fields_of(value: Any, place: str = "", depth: int = 0) -> Iterator[Field]:
    """Yield the fields of an object and of the objects in it, the outer ones first; a list is one value."""
    if not isinstance(value, Mapping) or depth > DEEPEST:
        return
    named = [(f"{place}{step(str(name))}", str(name), each) for name, each in value.items()]
    for where, name, each in named:
        yield Field(where, name, each)
    for where, _, each in named:
        yield from fields_of(each, f"{where}.", depth + 1)


def step(name: str) -> str:
    """Return a field's name as a step of a JMESPath."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def nearest(key: str, wanted: str, candidates: Iterable[Field]) -> Field | None:
    """Return the field that is meant by a key such as `poll.messages`; None if none is like it.

    `wanted` is the name that was looked for.
    """
    fits = FITS.get(key.rpartition(".")[2], is_scalar)
    scored = [
        (likeness(key, wanted, each.name) - each.depth / 20, -place, each)
        for place, each in enumerate(candidates)
        if fits(each.value)
    ]
    best = max(scored, default=None, key=lambda one: one[:2])
    return best[2] if best is not None and best[0] > 0.3 else None


def likeness(key: str, wanted: str, name: str) -> float:
    """Return how like a name is to what a key means, from 0 to 2; known names count most."""
    known = [_bare(each) for each in NAMES.get(key, ())]
    bare = _bare(name)
    if bare in known:
        return 2.0 - known.index(bare) / 20
    last = _bare(re.split(r"[.\]]", wanted)[-1])
    ratio = SequenceMatcher(None, bare, last).ratio() if last else 0.0
    if ratio >= _ALIKE:
        return ratio
    parts = [each for each in (*known, last) if len(each) >= 4 and (each in bare or bare in each)]
    return 0.5 if parts and len(bare) >= 4 else 0.0


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def is_scalar(value: Any) -> bool:
    """Return whether a value is a string or a number."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_page(value: Any) -> bool:
    """Return whether a value is a list of objects."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(each, Mapping) for each in value)
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_id(value) and str(value).isdigit()


FITS: Mapping[str, Callable[[Any], bool]] = {
    "token": _is_text,
    "messages": is_page,
    "id": _is_id,
    "sender": _is_text,
    "recipient": _is_text,
    "content": _is_text,
    "client_message_id": _is_id,
    "seq": _is_number,
    "has_more": _is_flag,
    "gap": _is_flag,
    "queued": _is_flag,
    "replayed": _is_flag,
    "degraded": _is_flag,
    "source": _is_text,
}
"""What a value must be to be read for the last part of a key."""

_OF_TIME = ("timestamp", "created_at", "time", "sent_at", "ts", "date", "created", "at", "created_time")
_OF_IDS = ("id", "message_id", "msg_id", "uuid", "event_id", "mid", "uid")
_OF_OWN_IDS = (
    "client_message_id",
    "client_id",
    "idempotency_key",
    "nonce",
    "txn_id",
    "dedup_id",
    "request_id",
)
_OF_SENDERS = ("from", "sender", "from_username", "from_user", "author", "sender_id", "sender_name", "user")
_OF_RECIPIENTS = ("to", "to_username", "recipient", "to_user", "receiver", "recipient_id", "target", "peer")
_OF_TEXTS = ("message", "content", "text", "body", "msg", "payload", "data")
_OF_NUMBERS = ("seq", "sequence", "sequence_number", "number", "offset", "position")
_OF_PAGES = ("messages", "items", "results", "data", "events", "entries", "records", "list", "chunk")

NAMES: Mapping[str, Sequence[str]] = {
    "register.username": ("username", "name", "user", "login", "user_name", "email", "nickname", "handle"),
    "register.password": ("password", "pass", "pwd", "passphrase", "secret"),
    "sign_in.username": ("username", "name", "user", "login", "user_name", "email", "nickname", "handle"),
    "sign_in.password": ("password", "pass", "pwd", "passphrase", "secret"),
    "sign_in.token": ("token", "access_token", "auth_token", "jwt", "session_token", "session", "key", "sid"),
    "sign_in.expires_at": ("expires_at", "expires", "expiry", "valid_until", "expiration"),
    "send.recipient": _OF_RECIPIENTS,
    "send.content": ("content", *_OF_TEXTS),
    "send.client_message_id": _OF_OWN_IDS,
    "send.sender": ("from_username", *_OF_SENDERS),
    "send.id": _OF_IDS,
    "send.seq": _OF_NUMBERS,
    "send.timestamp": _OF_TIME,
    "send.queued": ("queued",),
    "send.replayed": ("replayed", "duplicate", "is_duplicate", "already_sent"),
    "poll.since": (
        *("since", "cursor", "after", "from", "offset", "since_id", "after_id", "last_id", "next_since"),
        *(
            "receipt",
            "if_none_match",
            "last_seen",
            "page_token",
            "next_batch",
            "start",
            "position",
            "last_event_id",
            "from_id",
            "seq",
        ),
    ),
    "poll.limit": ("limit", "count", "page_size", "per_page", "size", "max", "n", "top", "max_messages"),
    "poll.wait": ("wait", "timeout", "wait_s", "hold", "wait_seconds", "wait_time_seconds", "block"),
    "poll.messages": _OF_PAGES,
    "poll.next_since": (
        *("next_since", "next_cursor", "cursor", "next", "next_batch", "next_token", "next_page_token"),
        *("last_id", "since", "next_offset", "end", "etag", "continuation_token", "last_seq", "receipt"),
    ),
    "poll.has_more": ("has_more", "more", "has_next", "truncated", "is_truncated"),
    "poll.gap": ("gap", "missed", "lost", "limited", "has_gap"),
    "poll.source": ("source",),
    "poll.degraded": ("degraded",),
    "poll.now": ("timestamp", "now", "server_time", "time"),
    "history.messages": _OF_PAGES,
    "history.limit": ("limit", "count", "page_size", "per_page", "size", "max", "n"),
    "history.before": ("before", "until", "before_id", "max_id", "older_than"),
    "message.id": _OF_IDS,
    "message.sender": _OF_SENDERS,
    "message.recipient": _OF_RECIPIENTS,
    "message.content": _OF_TEXTS,
    "message.timestamp": _OF_TIME,
    "message.seq": _OF_NUMBERS,
    "message.client_message_id": _OF_OWN_IDS,
}
"""How servers name what each key of a profile's `[wire]` means, the likeliest first."""
