"""What a consumer never received, and whether that explains an answer that admitted a gap."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate

from harness.checkers.consumers import Consumer, Mailbox
from harness.checkers.messages import Message
from harness.history import Poll
from harness.history.instants import NEVER, Instant, instant


class MissingMessages:
    """The messages of a mailbox that a consumer never received, by their timestamps."""

    def __init__(self, consumer: Consumer, mailbox: Mailbox, timestamps: Mapping[Message, Instant]) -> None:
        self._consumer = consumer
        self._mailbox = mailbox
        self._timestamps = timestamps

    def explains(self, poll: Poll) -> bool:
        """Whether this answer can be right to admit a gap: a message after its cursor may be gone by then.

        That is any message that surely existed, or one of unknown outcome that retention was free to drop.
        """
        cursor = instant(poll.since)
        if (poll.since is None or cursor is not None) and self._came_before(poll, cursor or NEVER):
            return True  # the consumer went back: what it received earlier may have been dropped since
        place = bisect_right(self._gone[0], cursor) if cursor is not None else 0
        return min(self._gone[1][place], self._gone_anywhere_ns) < poll.end_ns

    @cached_property
    def _never_received(self) -> list[tuple[Instant | None, float]]:
        """The timestamp of each, and from when on it may have been gone."""
        existing = set(self._mailbox.existing)
        return [
            (
                self._timestamps.get(message),
                message.first_start_ns if message in existing else self._mailbox.droppable_ns(message),
            )
            for message in self._mailbox.kept
            if message not in self._consumer.arrivals
        ]

    @cached_property
    def _gone(self) -> tuple[list[Instant], list[float]]:
        """The timestamps in order, and from when on any message at or after each may have been gone."""
        timed = sorted((timestamp, ns) for timestamp, ns in self._never_received if timestamp is not None)
        from_here = accumulate((ns for _, ns in reversed(timed)), min, initial=math.inf)
        return [timestamp for timestamp, _ in timed], list(from_here)[::-1]

    @cached_property
    def _gone_anywhere_ns(self) -> float:
        """From when on any message with an unknown timestamp may have been gone."""
        return min((ns for timestamp, ns in self._never_received if timestamp is None), default=math.inf)

    def _came_before(self, poll: Poll, cursor: Instant) -> bool:
        """Whether an earlier answer brought a message from after the cursor."""
        place = bisect_right(self._arrivals[0], poll.start_ns - 1)
        return place > 0 and self._arrivals[1][place - 1] > cursor

    @cached_property
    def _arrivals(self) -> tuple[list[int], list[Instant]]:
        """When the polls of all deliveries began, and the latest timestamp received by then."""
        starts = [delivery.poll.start_ns for delivery in self._consumer.deliveries]
        timestamps = (instant(delivery.received.timestamp) or NEVER for delivery in self._consumer.deliveries)
        return starts, list(accumulate(timestamps, max))
