"""Which answer's `next_since` was the first to pass a message: after it, no poll can return the message."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Matched, Message
from harness.history import Poll
from harness.history.operations import OK
from harness.history.positions import Position


class CursorProgress:
    """The cursors that a consumer was given, each later than all before it."""

    def __init__(self, consumer: Consumer, matched: Matched) -> None:
        self._consumer = consumer
        self._scale = matched.scale
        self._positions = matched.positions

    @cached_property
    def _given(self) -> tuple[list[Position], list[Poll]]:
        """The cursors, and the polls whose answers gave them; only worked out if something is missing."""
        cursors: list[Position] = []
        polls: list[Poll] = []
        before: str | None = None
        for poll in self._consumer.polls:
            if poll.next_since == before or poll.outcome is not OK:
                continue  # most answers bring nothing new
            before = poll.next_since
            cursor = self._scale.of_cursor(before)
            if cursor is not None and (not cursors or cursor > cursors[-1]):
                cursors.append(cursor)
                polls.append(poll)
        return cursors, polls

    def arrived_after_passed(self) -> set[Message]:
        """Return the messages that arrived after an answer had passed them."""
        if not self._consumer.may_be_passed:
            return set()
        cursors, polls = self._given
        given, late = 0, set()
        for message, arrival in self._consumer.arrivals.items():
            start_ns = arrival.poll.start_ns
            while given < len(polls) and polls[given].start_ns < start_ns:
                given += 1
            position = self._positions.get(message)
            if given and position is not None and self._is_passed(position, cursors[given - 1]):
                late.add(message)
        return late

    def _is_passed(self, position: Position, cursor: Position) -> bool:
        return position < cursor or (position == cursor and not self._scale.is_inclusive)

    def poll_that_passed(self, message: Message) -> Poll | None:
        """Return the first poll whose `next_since` passes the message, or is at it, if that is exclusive."""
        position = self._positions.get(message)
        if position is None:
            return None
        cursors, polls = self._given
        bisect = bisect_right if self._scale.is_inclusive else bisect_left
        index = bisect(cursors, position)
        return polls[index] if index < len(cursors) else None
