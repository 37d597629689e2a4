"""The messages that a client's users were sent: what it must show."""

from __future__ import annotations

from harness.history import History, Outcome, Send
from harness.history.memoize import memoize


@memoize
def sent_to(history: History) -> dict[str, tuple[Send, ...]]:
    """Return the acked messages of each user, in the order of their acceptance, each once."""
    found: dict[str, dict[str, Send]] = {}
    for send in history.sends:
        if send.outcome is Outcome.OK and send.id is not None:
            found.setdefault(send.recipient, {}).setdefault(send.id, send)
    return {user: tuple(sorted(some.values(), key=_acceptance)) for user, some in found.items()}


@memoize
def owners(history: History) -> dict[str, Send]:
    """Return the send of each id that was acked."""
    return {send.id: send for send in history.sends if send.id is not None}


def comes_before(first: Send, second: Send) -> bool:
    """Whether the server accepted one of two messages to a user before the other, for certain."""
    if first.seq is not None and second.seq is not None:
        return first.seq < second.seq
    return first.end_ns is not None and first.end_ns < second.start_ns


def _acceptance(send: Send) -> tuple[int, int]:
    return send.seq or 0, send.end_ns or send.start_ns
