"""Where in a send a fault struck it, as far as the history shows."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from harness.checkers.messages import Message, match
from harness.history import Effect, FaultWindow, History, Outcome, Send

NOT_CONNECTED = "connection refused"
"""The error of a send that the server never saw."""


class Phase(StrEnum):
    """How far a send came that was under way while a fault lasted."""

    BEFORE_REQUEST = "before the request"
    BEFORE_INSERT = "before the insert"
    BEFORE_PUSH = "between insert and push"
    BEFORE_ACK = "before the ack"
    AFTER = "not at all"


def phases(history: History) -> Counter[tuple[str, Phase]]:
    """Count the sends that were under way during each fault, by the fault's name and how far they came."""
    matched = match(history)
    counts: Counter[tuple[str, Phase]] = Counter()
    faults = [fault for fault in history.faults if Effect.NONE not in fault.effects]
    for message in matched.messages:
        for attempt in message.attempts:
            phase = phase_of(attempt, message, is_received=message in matched.received)
            counts.update((name, phase) for name in _during(faults, attempt, history.end_ns))
    return counts


def phase_of(attempt: Send, message: Message, *, is_received: bool) -> Phase:
    """Return how far an attempt to send a message came."""
    if attempt.outcome is Outcome.OK:
        return Phase.BEFORE_PUSH if attempt.queued is False else Phase.AFTER
    if attempt.status is None and attempt.error == NOT_CONNECTED:
        return Phase.BEFORE_REQUEST
    was_stored = attempt.outcome is Outcome.UNKNOWN and _was_stored(message, is_received=is_received)
    return Phase.BEFORE_ACK if was_stored else Phase.BEFORE_INSERT


def _was_stored(message: Message, *, is_received: bool) -> bool:
    """Return whether attempts without an answer stored the message: a retry's ack then says `replayed`."""
    acked = [attempt for attempt in message.attempts if attempt.outcome is Outcome.OK]
    return any(attempt.replayed for attempt in acked) if acked else is_received


def _during(faults: list[FaultWindow], attempt: Send, end_ns: int) -> set[str]:
    """Return the faults that lasted while an attempt was under way."""
    ended_ns = end_ns if attempt.end_ns is None else attempt.end_ns
    return {
        fault.name
        for fault in faults
        if fault.injected_ns <= ended_ns and attempt.start_ns <= (fault.healed_ns or end_ns)
    }
