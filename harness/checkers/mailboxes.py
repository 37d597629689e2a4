"""Mailboxes as the checkers see them, and which of their messages must reach each consumer."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from operator import attrgetter

from harness.checkers.consumers import Consumer
from harness.checkers.gaps import Gaps
from harness.checkers.messages import Matched, Message, match
from harness.history import NS_PER_S, History
from harness.history.memoize import memoize
from harness.history.operations import OK, REFUSED
from harness.history.positions import Position

_FIRST_START_NS = attrgetter("first_start_ns")


class Mailbox:
    """The messages of one recipient, and which of them must reach a consumer."""

    def __init__(self, messages: Iterable[Message], matched: Matched, history: History) -> None:
        self.kept = [message for message in messages if message.outcome is not REFUSED]
        received = matched.received
        self._scale = matched.scale
        self._semantics = history.semantics
        self._positions = matched.positions
        self._end_ns = history.end_ns
        self._retained = history.bounds.retained_messages
        self._drops_for_cursors = history.policy.older_cursors == "gap"
        self._starts = array("q", [message.first_start_ns for message in self.kept])  # in their order
        self._acks = array("q", sorted([it.ack_ns for it in self.kept if it.ack_ns is not None]))
        self.acked = [message for message in self.kept if message.outcome is OK]
        self.existing = [
            message for message in self.kept if message.ack_ns is not None or message in received
        ]
        """What the mailbox surely holds: messages that were acked, or received by any reader."""

    @property
    def may_overflow(self) -> bool:
        """Whether retention may have been free to drop any message."""
        if self._semantics.retention == "count":
            return len(self.kept) > self._retained
        return any(droppable_ns <= self._end_ns for droppable_ns in self.droppable_ns.values())

    def expected_by(self, consumer: Consumer) -> list[Message]:
        """Return the acked messages that must reach the consumer if it polls on long enough."""
        return self.due(consumer, self.acked)

    def due(self, consumer: Consumer, messages: list[Message]) -> list[Message]:
        """Return those of `messages`, sorted by their start, that must reach the consumer.

        Only an admitted gap excuses what retention dropped: in the answer to a poll without a cursor, or to
        any poll if the server's policy is to drop messages for older cursors as well. A server that does not
        signal gaps may drop what it was free to drop before the consumer read on.
        """
        wanted = self.wanted(consumer, messages)
        if not self._semantics.gap_signalled:
            return [m for m in wanted if m in consumer.arrivals or not self._was_dropped(m, consumer)]
        gaps = consumer.gaps if self._drops_for_cursors else consumer.gaps_from_the_start
        if not gaps:
            return wanted
        return [m for m in wanted if m in consumer.arrivals or not self._may_be_dropped(m, gaps)]

    def wanted(self, consumer: Consumer, messages: list[Message]) -> list[Message]:
        """Return the `messages` a consumer asked for: sent before its end, newer than its first cursor."""
        begun = messages[: bisect_right(messages, consumer.last.end_ns, key=_FIRST_START_NS)]
        if consumer.first.since is None:
            return begun
        since = self._scale.of_cursor(consumer.first.since)
        return [message for message in begun if self._is_newer(message, since, consumer.first.start_ns)]

    @cached_property
    def droppable_ns(self) -> dict[Message, float]:
        """When enough may have followed each message for retention to drop it; infinity if never."""
        return dict(zip(self.kept, self._followed_ns(), strict=True))

    def _followed_ns(self) -> Iterator[float]:
        """Yield when retention may drop each message."""
        if self._semantics.retention != "count":
            is_by_age = self._semantics.retention == "age"
            kept_ns = self._semantics.retained_for_s * NS_PER_S if is_by_age else math.inf
            yield from (start_ns + kept_ns for start_ns in self._starts)
            return
        acks, followers, surely_older = self._acks, self._starts, 0
        for start_ns in followers:  # they rise, as do the acks
            while surely_older < len(acks) and acks[surely_older] <= start_ns:
                surely_older += 1
            last_to_follow = surely_older + self._retained
            yield max(start_ns, followers[last_to_follow]) if last_to_follow < len(followers) else math.inf

    def _is_newer(self, message: Message, since: Position | None, start_ns: int) -> bool:
        position = self._positions.get(message)
        if position is None or since is None:
            return message.first_start_ns > start_ns
        return position > since

    def _may_be_dropped(self, message: Message, gaps: Gaps) -> bool:
        """Whether a gap that can cover this message was admitted when retention was free to drop it."""
        admitted_ns = gaps.last_admitted_ns(self._positions.get(message))
        return admitted_ns is not None and admitted_ns > self.droppable_ns[message]

    def _was_dropped(self, message: Message, consumer: Consumer) -> bool:
        """Whether retention was free to drop it before the consumer first read on to the end after it."""
        since_ns = message.ack_ns or message.first_start_ns
        later = islice(consumer.polls, bisect_left(consumer.starts, since_ns), None)
        read = next((it for it in later if it.outcome is OK and not it.has_more), consumer.last)
        return self.droppable_ns[message] < read.end_ns


@memoize
def mailboxes(history: History) -> dict[str, Mailbox]:
    """Return the mailbox of every recipient."""
    matched = match(history)
    grouped: dict[str, list[Message]] = {}
    for message in matched.messages:
        grouped.setdefault(message.recipient, []).append(message)
    return {name: Mailbox(messages, matched, history) for name, messages in grouped.items()}
