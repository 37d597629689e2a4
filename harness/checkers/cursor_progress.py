"""Which answer's `next_since` was the first to pass a message: after it, no poll can return the message."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Message
from harness.history import Outcome, Poll
from harness.history.instants import Instant, instant


class CursorProgress:
    """The cursors that a consumer was given, each later than all before it."""

    def __init__(self, consumer: Consumer, timestamps: Mapping[Message, Instant]) -> None:
        self._consumer = consumer
        self._timestamps = timestamps

    @cached_property
    def _given(self) -> tuple[list[Instant], list[Poll]]:
        """The cursors, and the polls whose answers gave them; only worked out if something is missing."""
        cursors: list[Instant] = []
        polls: list[Poll] = []
        before: str | None = None
        for poll in self._consumer.polls:
            if poll.next_since == before or poll.outcome is not Outcome.OK:
                continue  # most answers bring nothing new
            before = poll.next_since
            cursor = instant(before)
            if cursor is not None and (not cursors or cursor > cursors[-1]):
                cursors.append(cursor)
                polls.append(poll)
        return cursors, polls

    def arrived_after_passed(self) -> set[Message]:
        """Return the messages that arrived after an answer had passed them."""
        cursors, polls = self._given
        given, late = 0, set()
        for message, arrival in self._consumer.arrivals.items():
            start_ns = arrival.poll.start_ns
            while given < len(polls) and polls[given].start_ns < start_ns:
                given += 1
            timestamp = self._timestamps.get(message)
            if given and timestamp is not None and timestamp <= cursors[given - 1]:
                late.add(message)
        return late

    def poll_that_passed(self, message: Message) -> Poll | None:
        """Return the first poll whose `next_since` passes the message or is equal: cursors are exclusive."""
        timestamp = self._timestamps.get(message)
        if timestamp is None:
            return None
        cursors, polls = self._given
        index = bisect_left(cursors, timestamp)
        return polls[index] if index < len(cursors) else None
