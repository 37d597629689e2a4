"""Consumers as the checkers see them: their polls, and what these brought."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter

from harness.checkers.gaps import Gaps
from harness.checkers.messages import Delivery, Matched, Message, match
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, History, Poll, Received
from harness.history.instants import instant
from harness.history.memoize import memoize
from harness.history.operations import OK, UNKNOWN
from harness.history.positions import BEGINNING, Scale

AT_ONCE_NS = NS_PER_S // 10
"""A client that asks for the next page within this time after a full one asks for it at once."""


def _times() -> array[int]:
    return array("q")


@dataclass(eq=False)
class Consumer:
    """One reader's polls in order, and the first delivery of each message to it.

    A history's objects lie in memory in the order of time, so whatever is asked about every consumer is
    noted in one walk in that order (see `_follow`): going through the same polls consumer by consumer takes
    six times as long. That includes whether anything can be wrong, as with hardly any consumer.
    """

    name: str
    reader: str
    matched: Matched = field(repr=False)
    polls: list[Poll] = field(default_factory=list)
    deliveries: Sequence[Delivery] = ()
    arrivals: dict[Message, Delivery] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    """The id of each delivery."""
    starts: array[int] = field(default_factory=_times)
    """When each poll began, in ns."""
    ends: array[int] = field(default_factory=_times)
    """When each poll was answered, or given up."""
    readies: array[int] = field(default_factory=_times)
    """When each poll could begin at the earliest: as intended, but not before the one before it had ended."""
    gap_polls: list[Poll] = field(default_factory=list)
    """The polls whose answers admitted a gap, in their order."""
    has_held: bool = False
    """Whether any poll asked to be held."""
    has_full_pages: bool = False
    """Whether any answer said that there was more."""
    answered: int = 0
    """How many polls were answered ok."""
    may_be_wrong: bool = False
    """Whether any delivery is not what had been sent."""
    may_be_unordered: bool = False
    """Whether a seq, a timestamp or an ack may contradict the order of the deliveries."""
    may_be_passed: bool = False
    """Whether a message may have come after a cursor that had passed it."""

    @property
    def scale(self) -> Scale:
        """How its cursors and messages are compared."""
        return self.matched.scale

    @cached_property
    def last_answered(self) -> Poll | None:
        """The last poll that was answered ok."""
        return next((poll for poll in reversed(self.polls) if poll.outcome is OK), None)

    @cached_property
    def firsts(self) -> Sequence[Delivery]:
        """The first delivery of each id."""
        if len(set(self.ids)) == len(self.ids):
            return self.deliveries
        firsts: dict[str, Delivery] = {}
        for delivery in self.deliveries:
            firsts.setdefault(delivery.received.id, delivery)
        return tuple(firsts.values())

    @cached_property
    def first_ids(self) -> list[str]:
        """The ids, each once, in the order of arrival."""
        return self.ids if self.firsts is self.deliveries else list(dict.fromkeys(self.ids))

    @cached_property
    def seqs(self) -> list[int | None]:
        """The seq of each of the first deliveries, if it is a number: some servers use text."""
        return [seq if isinstance(seq := one.received.seq, int) else None for one in self.firsts]

    @cached_property
    def gaps(self) -> Gaps:
        """All gaps that were admitted."""
        return Gaps(self.gap_polls, self.scale)

    @cached_property
    def gaps_from_the_start(self) -> Gaps:
        """The gaps that were admitted from the beginning of the mailbox."""
        return Gaps((poll for poll in self.gap_polls if poll.since is None), self.scale)

    @cached_property
    def hidden(self) -> Spans:
        """When messages can be hidden: read by an answer that was lost, and not yet visible again."""
        if not self.scale.semantics.is_destructive:
            return Spans(())
        visibility_ns = self.scale.semantics.visibility_s * NS_PER_S
        lost = (poll for poll in self.polls if poll.outcome is UNKNOWN)
        return Spans((poll.start_ns, poll.end_ns + visibility_ns) for poll in lost)

    @cached_property
    def largest_page(self) -> int:
        """The most messages that one answer brought."""
        return max((len(poll.messages) for poll in self.polls), default=0)

    def has_more_before(self, place: int) -> bool:
        """Whether the page before the poll at this index was full, and not the last."""
        return place > 0 and _is_full(self.polls[place - 1])

    def continues(self, place: int) -> bool:
        """Whether the poll at this index followed at once because the page before it was not the last."""
        return place > 0 and _continues(self.polls[place - 1], self.polls[place])

    @cached_property
    def round_trips_s(self) -> list[float]:
        """How long each poll took that was not held: how long others take is not a round trip."""
        times = zip(self.starts, self.ends, strict=True)
        if not self.has_held:
            return [(end_ns - start_ns) / NS_PER_S for start_ns, end_ns in times]
        each = zip(times, self.polls, strict=True)
        return [(end_ns - start_ns) / NS_PER_S for (start_ns, end_ns), poll in each if not poll.wait_s]

    @cached_property
    def seconds_in_round(self) -> list[float]:
        """For each poll that was not held: how long after the begin of its round it was answered."""
        if not self.has_full_pages:
            return self.round_trips_s  # each is a round of its own
        begin_ns, seconds, before = 0, list[float](), self.first
        for poll in self.polls:
            if poll is before or not _continues(before, poll):
                begin_ns = poll.start_ns
            if not poll.wait_s:
                seconds.append((poll.end_ns - begin_ns) / NS_PER_S)
            before = poll
        return seconds

    @property
    def first(self) -> Poll:
        """The poll the consumer began with."""
        return self.polls[0]

    @property
    def last(self) -> Poll:
        """The consumer's last poll, answered or not."""
        return self.polls[-1]


def _is_full(page: Poll) -> bool:
    return page.has_more and bool(page.messages)


def _continues(page: Poll, following: Poll) -> bool:
    return _is_full(page) and following.intended_ns <= page.end_ns + AT_ONCE_NS


@memoize
def consumers_of(history: History) -> list[Consumer]:
    """Return every consumer of the history, in the order in which they began."""
    matched = match(history)
    return _follow(history.polls, history.consumer_of, matched, matched.deliveries)


def single_consumers(history: History) -> list[Consumer]:
    """Return every consumer, also those that share the messages of a mailbox, as reading deletes them."""
    if not history.semantics.is_destructive:
        return consumers_of(history)
    matched, own = match(history), dict[str, list[Delivery]]()
    for delivery in chain.from_iterable(matched.deliveries.values()):
        own.setdefault(delivery.poll.consumer, []).append(delivery)
    return _follow(history.polls, attrgetter("consumer"), matched, own)


def _follow(
    polls: Iterable[Poll],
    consumer_of: Callable[[Poll], str],
    matched: Matched,
    deliveries: Mapping[str, Sequence[Delivery]],
) -> list[Consumer]:
    """Follow all consumers through the polls, in the order of time."""
    consumers: list[Consumer] = []
    walks: dict[str, Callable[[Poll], None]] = {}
    for poll in polls:
        name = consumer_of(poll)
        look_at = walks.get(name)
        if look_at is None:
            consumer = Consumer(name, poll.reader, matched, deliveries=deliveries.get(name, ()))
            consumers.append(consumer)
            look_at = walks[name] = _Walk(consumer).look_at
        look_at(poll)
    return consumers


class _Walk:
    """What was seen of one consumer so far, and the highest of all that must rise."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._arriving = iter(consumer.deliveries)
        self._positions = consumer.matched.positions
        self._of_cursor = consumer.scale.of_cursor
        self._is_by_time = consumer.scale.semantics.cursor == "timestamp"
        self._next_since: str | None = None
        self._cursor: str = BEGINNING
        self._timestamp: str = BEGINNING
        self._seq = self._begun_ns = -math.inf
        self._ended_ns = 0

    def look_at(self, poll: Poll) -> None:
        """Note one more poll, and what it brought."""
        consumer = self._consumer
        consumer.polls.append(poll)
        end_ns, ready_ns = poll.end_ns, poll.intended_ns
        consumer.starts.append(poll.start_ns)
        consumer.ends.append(end_ns)
        consumer.readies.append(ready_ns if ready_ns > self._ended_ns else self._ended_ns)
        self._ended_ns = end_ns
        if poll.wait_s:
            consumer.has_held = True
        if poll.has_more:
            consumer.has_full_pages = True
        if poll.outcome is OK:
            self._answered(poll)
        if poll.next_since != self._next_since:  # most answers bring nothing new
            self._next_since = poll.next_since
            cursor = self._of_cursor(poll.next_since)
            if cursor is not None and cursor > self._cursor:
                self._cursor = cursor

    def _answered(self, poll: Poll) -> None:
        consumer, arrivals = self._consumer, self._consumer.arrivals
        consumer.answered += 1
        if poll.gap:
            consumer.gap_polls.append(poll)
        for delivery in islice(self._arriving, len(poll.messages)):
            message = delivery.message
            consumer.ids.append(delivery.received.id)
            if message is not None and message not in arrivals:
                arrivals[message] = delivery
            if not delivery.is_as_sent:
                consumer.may_be_wrong = True
            if not self._rises(delivery.received, message):
                consumer.may_be_unordered = True

    def _rises(self, received: Received, message: Message | None) -> bool:
        """Whether a delivery is later than all before it, in each order that can be told."""
        rises = True
        if message is not None:
            if (ack_ns := message.ack_ns) is not None:
                begun_ns = message.first_start_ns
                rises = self._begun_ns <= ack_ns
                if begun_ns > self._begun_ns:
                    self._begun_ns = begun_ns
            position = self._positions.get(message)
            if position is not None and position <= self._cursor:
                self._consumer.may_be_passed = True
        if self._is_by_time:
            timestamp = instant(received.timestamp)
            rises = rises and timestamp is not None and timestamp > self._timestamp
            self._timestamp = timestamp or BEGINNING
        seq = received.seq
        if not isinstance(seq, int):
            return False
        rises = rises and seq > self._seq
        self._seq = seq
        return rises


def by_reader(consumers: Iterable[Consumer]) -> dict[str, list[Consumer]]:
    """Return the consumers of each mailbox."""
    grouped: dict[str, list[Consumer]] = {}
    for consumer in consumers:
        grouped.setdefault(consumer.reader, []).append(consumer)
    return grouped
