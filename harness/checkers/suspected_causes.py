"""What probably happened inside the server, by rules about what was seen from outside.

A suspected cause is a hint for finding a bug; it does not change a verdict. It is that of the first rule that
fits, from the most specific to the vaguest; '' if none does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from harness.checkers.consumers import Consumer
from harness.checkers.fault_windows import recovered_ns
from harness.checkers.mailboxes import mailboxes
from harness.checkers.messages import Message, match
from harness.history import Effect, History, Poll
from harness.history.instants import Instant
from harness.history.memoize import memoize
from harness.history.positions import BEGINNING, Position


class SuspectedCause(StrEnum):
    """Short words for people, shown beside a finding."""

    EQUAL_TIMESTAMPS = "equal timestamps"
    CLOCK = "clock"
    LATE_VISIBILITY = "late visibility"
    PAGE_CAP = "page cap"
    TRIMMED_QUEUE = "trimmed queue"
    LOST_PUSH = "lost push"
    STALE_COPY = "stale copy"
    DOUBLE_WRITE = "double write"


@dataclass(frozen=True)
class _Missing:
    """A message that a consumer should have had by an answer (None: by its last one)."""

    history: History
    consumer: Consumer
    message: Message
    passed: Poll | None

    @property
    def position(self) -> Position | None:
        return match(self.history).positions.get(self.message)

    @property
    def ack_ns(self) -> int:
        return self.message.ack_ns or self.message.first_start_ns


def of_missing(history: History, consumer: Consumer, message: Message, passed: Poll | None = None) -> str:
    """Return why a consumer probably got no message in time; `passed` is the answer that skipped it."""
    missing = _Missing(history, consumer, message, passed)
    return next((cause.value for cause, fits in _RULES if fits(missing)), "")


def of_order(history: History, earlier: Message | None, later: Message | None) -> str:
    """Return why the `later` of two messages probably came first."""
    positions = match(history).positions
    first, second = (positions.get(message) if message else None for message in (earlier, later))
    return of_timestamps(first, second)


def of_timestamps(earlier: Instant | Position | None, later: Instant | Position | None) -> str:
    """Return why two timestamps probably do not rise; '' if they do, or are unknown."""
    if earlier is None or later is None or earlier < later:
        return ""
    return (SuspectedCause.EQUAL_TIMESTAMPS if earlier == later else SuspectedCause.CLOCK).value


def _equal_timestamps(missing: _Missing) -> bool:
    """The cursor is exactly the message's timestamp."""
    passed = missing.passed
    return (
        passed is not None
        and missing.history.scale.of_cursor(passed.next_since) == missing.position is not None
    )


def _clock(missing: _Missing) -> bool:
    """A message acked before this one was begun has a later timestamp."""
    before = _timelines(missing.history)[missing.message.recipient].latest_before(missing.message)
    return before is not None and missing.position is not None and before > missing.position


def _late_visibility(missing: _Missing) -> bool:
    """The cursor passed while the message was still being sent."""
    return missing.passed is not None and missing.passed.start_ns < missing.ack_ns


def _page_cap(missing: _Missing) -> bool:
    """A full page left out the oldest message, and said that there was no more."""
    page = missing.passed
    if page is None or page.has_more or len(page.messages) < max(2, missing.consumer.largest_page):
        return False
    oldest, position = missing.history.scale.of_message(page.messages[0]), missing.position
    return oldest is not None and position is not None and position < oldest


def _trimmed_queue(missing: _Missing) -> bool:
    """As many messages followed as a queue can hold."""
    following = _timelines(missing.history)[missing.message.recipient].acked_after(missing.ack_ns)
    return following >= missing.history.bounds.retained_messages


def _lost_push(missing: _Missing) -> bool:
    """Redis did not get the message when it was sent."""
    return any(attempt.queued is False for attempt in missing.message.attempts) or any(
        window.store == "redis"
        and window.effects != {Effect.DATA}
        and window.injected_ns <= missing.ack_ns
        and missing.message.first_start_ns <= (window.heal_ns or missing.history.end_ns)
        for window in missing.history.faults
    )


def _stale_copy(missing: _Missing) -> bool:
    """Redis lost data after this message was sent, and before it was missing."""
    until_ns = (missing.passed or missing.consumer.last).start_ns
    return any(
        window.store == "redis"
        and Effect.DATA in window.effects
        and missing.ack_ns <= recovered_ns(window, missing.history)
        and window.injected_ns <= until_ns
        for window in missing.history.faults
    )


_RULES: tuple[tuple[SuspectedCause, Callable[[_Missing], bool]], ...] = (
    (SuspectedCause.EQUAL_TIMESTAMPS, _equal_timestamps),
    (SuspectedCause.CLOCK, _clock),
    (SuspectedCause.LATE_VISIBILITY, _late_visibility),
    (SuspectedCause.PAGE_CAP, _page_cap),
    (SuspectedCause.LOST_PUSH, _lost_push),
    (SuspectedCause.STALE_COPY, _stale_copy),
    (SuspectedCause.TRIMMED_QUEUE, _trimmed_queue),
)


class _Timeline:
    """The acks of one mailbox, and the latest timestamp acked by each of them."""

    def __init__(self, messages: list[Message], history: History) -> None:
        positions = match(history).positions
        self._acks: list[int] = []
        self._latest: list[Position] = []
        for message in sorted(messages, key=lambda message: message.ack_ns or 0):
            position = positions.get(message, BEGINNING)
            self._acks.append(message.ack_ns or 0)
            self._latest.append(max(position, self._latest[-1]) if self._latest else position)

    def latest_before(self, message: Message) -> Position | None:
        """Return the latest timestamp of the messages acked before this one was begun."""
        place = bisect_left(self._acks, message.first_start_ns)
        return self._latest[place - 1] if place else None

    def acked_after(self, when_ns: int) -> int:
        """Return how many were acked after that."""
        return len(self._acks) - bisect_right(self._acks, when_ns)


@memoize
def _timelines(history: History) -> dict[str, _Timeline]:
    return {name: _Timeline(mailbox.acked, history) for name, mailbox in mailboxes(history).items()}
