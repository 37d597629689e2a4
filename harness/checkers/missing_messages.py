"""What a consumer never received, and whether that explains an answer that admitted a gap."""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from harness.checkers.consumers import Consumer
from harness.checkers.mailboxes import Mailbox
from harness.checkers.messages import Matched
from harness.history import Outcome, Poll
from harness.history.positions import BEGINNING, Position


class MissingMessages:
    """The messages of a mailbox that a consumer never received, by their positions."""

    def __init__(self, consumer: Consumer, mailbox: Mailbox, matched: Matched) -> None:
        self._consumer = consumer
        self._mailbox = mailbox
        self._scale = matched.scale
        self._positions = matched.positions

    def explains(self, poll: Poll) -> bool:
        """Whether this answer can be right to admit a gap: a message after its cursor may be gone by then.

        That is any message that surely existed, or one of unknown outcome that retention was free to drop.
        """
        cursor = self._scale.of_cursor(poll.since)
        if not self._scale.compares:
            came_before = self._went_back(poll)
        else:
            came_before = (poll.since is None or cursor is not None) and self._came_before(
                poll, cursor or BEGINNING
            )
        if came_before:
            return True  # the consumer went back: what it received earlier may have been dropped since
        place = bisect_right(self._gone[0], cursor) if cursor is not None else 0
        return min(self._gone[1][place], self._gone_anywhere_ns) < poll.end_ns

    @cached_property
    def _never_received(self) -> list[tuple[Position | None, float]]:
        """The position of each, and from when on it may have been gone."""
        existing = set(self._mailbox.existing)
        return [
            (
                self._positions.get(message),
                message.first_start_ns if message in existing else self._mailbox.droppable_ns[message],
            )
            for message in self._mailbox.kept
            if message not in self._consumer.arrivals
        ]

    @cached_property
    def _gone(self) -> tuple[list[Position], list[float]]:
        """The positions in order, and from when on any message at or after each may have been gone."""
        placed = sorted((position, ns) for position, ns in self._never_received if position is not None)
        from_here = accumulate((ns for _, ns in reversed(placed)), min, initial=math.inf)
        return [position for position, _ in placed], list(from_here)[::-1]

    @cached_property
    def _gone_anywhere_ns(self) -> float:
        """From when on any message with an unknown position may have been gone."""
        return min((ns for position, ns in self._never_received if position is None), default=math.inf)

    def _went_back(self, poll: Poll) -> bool:
        """Whether the consumer had received something, and did not use the last cursor it was given."""
        place = bisect_right(self._arrivals[0], poll.start_ns - 1)
        before = [one for one in self._consumer.polls if one.start_ns < poll.start_ns]
        given = next((one.next_since for one in reversed(before) if one.outcome is Outcome.OK), None)
        return place > 0 and poll.since != given

    def _came_before(self, poll: Poll, cursor: Position) -> bool:
        """Whether an earlier answer brought a message from after the cursor."""
        place = bisect_right(self._arrivals[0], poll.start_ns - 1)
        return place > 0 and self._arrivals[1][place - 1] > cursor

    @cached_property
    def _arrivals(self) -> tuple[list[int], list[Position]]:
        """When the polls of all deliveries began, and the last position received by then."""
        starts = [delivery.poll.start_ns for delivery in self._consumer.deliveries]
        of_message = self._scale.of_message
        positions = (of_message(delivery.received) or BEGINNING for delivery in self._consumer.deliveries)
        return starts, list(accumulate(positions, max))
