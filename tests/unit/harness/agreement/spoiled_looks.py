"""What can go wrong with looks: at queues and keys in Redis, and at how attempts are answered."""

from __future__ import annotations

from .spoiling import Choice, Spoiler
from .timeline import Event

ANSWERS = (
    (200, None),
    (400, None),
    (404, None),
    (500, None),
    (503, None),
    (None, "timeout"),
    (None, "reset"),
)
LIMIT = 1000


def _of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["kind"] == kind]


def a_queue_is_long(events: list[Event], choice: Choice) -> None:
    """Just as long as it may be, or one longer."""
    if look := choice.of(_of(events, "queue")):
        look |= {"type": "list", "length": LIMIT + choice.part % 2}


def a_queue_never_expires(events: list[Event], choice: Choice) -> None:
    if look := choice.of(_of(events, "queue")):
        look["ttl_ms"] = -1


def a_key_is_no_queue(events: list[Event], choice: Choice) -> None:
    """There is none, or one of another type."""
    for look in _of(events, "queue") if choice.part % 2 else _of(events, "queue")[:1]:
        look |= {"type": "string", "ttl_ms": -1} if choice.which % 2 else {"type": "none", "ttl_ms": -2}
        look["length"] = 0


def a_key_never_expires(events: list[Event], choice: Choice) -> None:
    if look := choice.of(_of(events, "keys")):
        look |= {"without_ttl": 1, "named": ["messages:bob"]}


def an_attempt_is_answered_otherwise(events: list[Event], choice: Choice) -> None:
    if attempt := choice.of(_of(events, "attempt")):
        attempt["status"], attempt["error"] = ANSWERS[(choice.which + choice.part) % len(ANSWERS)]


def an_attempt_leaks_a_secret(events: list[Event], choice: Choice) -> None:
    """With the right status, or another."""
    if attempt := choice.of(_of(events, "attempt")):
        attempt["leaked"] = ["content m1"]
        attempt["status"] = (attempt["status"], 200, 503)[choice.part % 3]


SPOILED_LOOKS: tuple[Spoiler, ...] = (
    a_queue_is_long,
    a_queue_never_expires,
    a_key_is_no_queue,
    a_key_never_expires,
    an_attempt_is_answered_otherwise,
    an_attempt_is_answered_otherwise,  # in one of many ways
    an_attempt_leaks_a_secret,
)
