"""Which answer's `next_since` passed a message first: no later poll of that consumer can return it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Message
from harness.history import Outcome, Poll
from harness.history.instants import Instant, instant


class Passing:
    """The cursors that a consumer was handed, each further than all before it."""

    def __init__(self, consumer: Consumer, timestamps: Mapping[Message, Instant]) -> None:
        self._consumer = consumer
        self._timestamps = timestamps

    @cached_property
    def _handed(self) -> tuple[list[Instant], list[Poll]]:
        """The cursors, and the polls whose answers handed them out; only read where something is missing."""
        cursors: list[Instant] = []
        polls: list[Poll] = []
        before: str | None = None
        for poll in self._consumer.polls:
            if poll.next_since == before or poll.outcome is not Outcome.OK:
                continue  # as most answers are that bring nothing new
            before = poll.next_since
            cursor = instant(before)
            if cursor is not None and (not cursors or cursor > cursors[-1]):
                cursors.append(cursor)
                polls.append(poll)
        return cursors, polls

    def too_late(self) -> set[Message]:
        """The messages that arrived after an answer had passed them."""
        cursors, polls = self._handed
        handed, late = 0, set()
        for message, arrival in self._consumer.arrivals.items():
            start_ns = arrival.poll.start_ns
            while handed < len(polls) and polls[handed].start_ns < start_ns:
                handed += 1
            timestamp = self._timestamps.get(message)
            if handed and timestamp is not None and timestamp <= cursors[handed - 1]:
                late.add(message)
        return late

    def poll(self, message: Message) -> Poll | None:
        """The first poll whose `next_since` passes the message: cursors are exclusive, so a tie passes."""
        timestamp = self._timestamps.get(message)
        if timestamp is None:
            return None
        cursors, polls = self._handed
        index = bisect_left(cursors, timestamp)
        return polls[index] if index < len(cursors) else None
