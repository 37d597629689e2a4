"""How long messages took to reach the consumers that must receive them, by brute force."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history import NS_PER_S, History, Outcome
from harness.history.memoize import memoize

from .definitions import (
    BROKEN,
    CANNOT_TELL,
    KEPT,
    NOT_BROKEN,
    UNPROVEN,
    Allowed,
    Message,
    Span,
    faults,
    has_quiet_period,
    hidden,
    messages,
    pressure_periods,
    received,
)
from .expected import Consumer, is_expected

NEVER = float("inf")


@dataclass(frozen=True)
class Wait:
    """From the ack, or the consumer's first poll, to the answer that brought it, if any did."""

    sent: Message
    consumer: Consumer
    since_ns: int
    place: int | None
    """Of the poll that brought it."""

    @property
    def is_live(self) -> bool:
        """Whether the consumer was polling already when the message was acked."""
        return self.since_ns == self.sent.acked_ns

    @property
    def came_ns(self) -> float:
        return NEVER if self.place is None else self.consumer[self.place].end_ns

    @property
    def known_ns(self) -> float:
        """When it came, or the consumer gave up."""
        return self.consumer[-1].end_ns if self.place is None else self.came_ns

    @property
    def delay_ns(self) -> float:
        """How long it took, less what the reader itself polled late."""
        if self.place is None:
            return NEVER
        poll = self.consumer[self.place]
        idle_ns = [self._idle_ns(place) for place in range(self.place + 1)]
        idle_ns[-1] = max(idle_ns[-1], self.lateness_ns)
        return max(0, poll.end_ns - self.since_ns - sum(idle_ns))

    @property
    def lateness_ns(self) -> int:
        """By how much the harness polled later than it meant to, with the poll that brought the message."""
        poll = self.consumer[self.place or 0]
        before_ns = self.consumer[self.place - 1].end_ns if self.place else 0
        return max(0, poll.start_ns - max(poll.intended_ns, before_ns, self.since_ns))

    def _idle_ns(self, place: int) -> int:
        """How long nothing was asked, if longer than 2.1 s, or than 0.1 s with more to read: who was away."""
        poll, before = self.consumer[place], self.consumer[place - 1] if place else None
        if poll.start_ns < self.since_ns or before is None:
            return 0
        pause_ns = 0 if before.has_more and before.messages else 2 * NS_PER_S
        idle_ns = poll.start_ns - max(before.end_ns, self.since_ns)
        is_away = poll.intended_ns - before.end_ns > pause_ns + NS_PER_S // 10
        return idle_ns if is_away and idle_ns > pause_ns else 0


@memoize
def waits(history: History) -> list[Wait]:
    """Every wait for an acked message."""
    return [
        _wait(sent, sent.acked_ns, consumer, history)
        for sent in messages(history)
        for consumer in history.consumers().values()
        if sent.acked_ns is not None and is_expected(sent, consumer, history)
    ]


def _wait(sent: Message, acked_ns: int, consumer: Consumer, history: History) -> Wait:
    place = next((place for place, poll in enumerate(consumer) if received((poll,), sent, history)), None)
    return Wait(sent, consumer, max(acked_ns, consumer[0].start_ns), place)


def in_fault_window(wait: Wait, history: History) -> bool:
    """Whether a fault lasted until it came, or until it had to be there."""
    had_to_be_there_ns = wait.since_ns + due_ns(history)
    return touch(faults(history), wait.since_ns, min(wait.came_ns, had_to_be_there_ns))


def is_judged(wait: Wait, history: History) -> bool:
    """Whether no fault window touches it, and it came, or the consumer polled on until it was due."""
    until_ns = min(wait.came_ns, wait.since_ns + due_ns(history))
    if in_fault_window(wait, history) or touch(hidden(wait.consumer, history), wait.since_ns, until_ns):
        return False
    bound_ns = round(history.bounds.delivered_within_s * NS_PER_S)
    answered_when_due = any(
        poll.outcome is Outcome.OK and poll.start_ns >= wait.since_ns + bound_ns for poll in wait.consumer
    )
    gave_up_ns = wait.since_ns + _unforgivable_ns(history)
    return wait.place is not None or answered_when_due or wait.consumer[-1].end_ns >= gave_up_ns


def punctuality(judged: list[Wait], history: History) -> Allowed:
    """No later than the bound is right, and later than interval + acceptable round trip + bound is wrong.

    What is in between may be forgiven, by an arithmetic that is not repeated here.
    """
    bound_ns = round(history.bounds.delivered_within_s * NS_PER_S)
    late = [wait for wait in judged if wait.delay_ns > bound_ns]
    unexcused = [wait for wait in late if not excused(wait.since_ns, wait.known_ns, history)]
    if any(wait.delay_ns > _unforgivable_ns(history) for wait in unexcused):
        return BROKEN
    if unexcused:
        return CANNOT_TELL
    if any(wait.delay_ns > _unforgivable_ns(history) for wait in late):
        return UNPROVEN
    return NOT_BROKEN if late else KEPT


def excused(since_ns: float, until_ns: float, history: History) -> bool:
    """Whether pressure explains a wait: it left no time in a row in which a message had to be served."""
    spans = pressure_periods(history)
    return touch(spans, since_ns, until_ns) and not has_quiet_period(
        spans, since_ns, until_ns, due_ns(history)
    )


def due_ns(history: History) -> int:
    """In which time a message must have been served, at the latest."""
    bounds = history.bounds
    return round((bounds.delivered_within_s + bounds.acceptable_round_trip_s) * NS_PER_S)


def _unforgivable_ns(history: History) -> int:
    return due_ns(history) + round(history.bounds.poll_interval_s * NS_PER_S)


def touch(spans: list[Span], since_ns: float, until_ns: float) -> bool:
    """Whether any of these spans lies, if only partly, in this time."""
    return any(start <= until_ns and since_ns <= end for start, end in spans)
