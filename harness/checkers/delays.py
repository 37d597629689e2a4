"""How long each acked message took to reach each consumer of its recipient, and what the time was spent on.

The delay runs from the ack, or from the consumer's first poll if that came later, to the answer that brought
the message. It is the sum of

- `phase`: until the consumer's first poll after the ack starts; the client's part, as it polls at intervals;
- `visibility`: from then until the round that brought the message starts; 0 if that was the first round;
- `round_trip`: from the start of that round to the answer with the message; and
- the reader's own lateness: it polled later than it meant to, or was away (it let more than an interval go
  by, or did not ask for the next page at once). That is not the server's time, and is subtracted.

A round is one poll and those that follow it at once because its page was full: if a message waits for the
next page, that is due to the limit that the client asked for, not to the server.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct

from harness.checkers.consumers import AT_ONCE_NS, Consumer
from harness.checkers.mailboxes import Mailbox
from harness.checkers.messages import Message
from harness.history import NS_PER_S, Poll


class Delay(Struct, frozen=True, gc=False):  # it is never part of a reference cycle
    """One delivery's timing, in ns; `place` is None, and the times are meaningless, if it never arrived.

    It names polls by their index among the consumer's: a reference would fetch each one from memory.
    """

    consumer: Consumer
    message: Message
    base_ns: int
    place: int | None
    delay_ns: int
    phase_ns: int
    visibility_ns: int
    round_trip_ns: int
    is_live: bool
    """Whether the consumer was already polling when the message was acked."""
    lag_ns: int = 0
    """How much later than intended the harness started the poll that brought it."""
    round_begin: int = 0
    """The index of the first poll of the round that brought it."""

    @property
    def poll(self) -> Poll | None:
        """The poll that brought it."""
        return None if self.place is None else self.consumer.polls[self.place]

    @property
    def delay_s(self) -> float:
        """The delay in seconds; infinite if the message never arrived."""
        return self.delay_ns / NS_PER_S if self.place is not None else float("inf")

    def known_ns(self) -> int:
        """Return when it arrived, or when the consumer stopped waiting for it."""
        return (self.poll or self.consumer.last).end_ns

    def decided_ns(self, due_ns: float) -> float:
        """Return when it arrived, or else when it was due, in `due_ns` at the latest."""
        latest_ns = self.base_ns + due_ns
        return latest_ns if self.poll is None else min(self.poll.end_ns, latest_ns)

    @property
    def round_op(self) -> int:
        """The operation of the first poll of the round that brought it."""
        return self.consumer.polls[self.round_begin].op

    def is_poll_phase(self, interval_ns: float, acceptable_ns: float) -> bool:
        """Whether no server could have been faster: the first round brought it, in an acceptable time."""
        if self.place is None or self.visibility_ns > 0:
            return False
        return self.phase_ns <= interval_ns and self.round_trip_ns <= acceptable_ns


def seconds(some: Iterable[Delay]) -> list[float]:
    """Return the delays in seconds; infinite for what never arrived."""
    return [float("inf") if it.place is None else it.delay_ns / NS_PER_S for it in some]


def delays(consumer: Consumer, mailbox: Mailbox, interval_ns: int) -> Iterator[Delay]:
    """Yield the delay of every message that must reach the consumer, arrived or not."""
    first_ns, arrivals, starts = consumer.first.start_ns, consumer.arrivals, consumer.starts
    for message in mailbox.expected_by(consumer):
        acked_ns = message.ack_ns or 0
        base_ns = acked_ns if acked_ns > first_ns else first_ns
        arrival = arrivals.get(message)
        if arrival is None:
            yield Delay(consumer, message, base_ns, None, 0, 0, 0, 0, base_ns == message.ack_ns)
        elif (place := arrival.place) and starts[place - 1] >= base_ns:
            yield _of_a_later_poll(consumer, message, base_ns, place, interval_ns)
        else:
            yield _of_the_first_poll(consumer, message, base_ns, place, interval_ns)


def _of_the_first_poll(
    consumer: Consumer, message: Message, base_ns: int, place: int, interval_ns: int
) -> Delay:
    """Return the delay of a message that came with the first poll after its ack, as nearly all do."""
    start_ns, end_ns = consumer.starts[place], consumer.ends[place]
    ready_ns = consumer.readies[place]
    lag_ns = start_ns - (ready_ns if ready_ns > base_ns else base_ns)
    if lag_ns < 0:
        lag_ns = 0
    idle_ns = lag_ns
    if place and (consumer.has_full_pages or ready_ns - consumer.ends[place - 1] > interval_ns):
        idle_ns = max(lag_ns, _idle_ns(consumer, place, base_ns, interval_ns))
    delay_ns, phase_ns = end_ns - base_ns - idle_ns, start_ns - base_ns - idle_ns
    round_trip_ns = end_ns - (start_ns if start_ns > base_ns else base_ns)
    return Delay(
        consumer,
        message,
        base_ns,
        place,
        delay_ns if delay_ns > 0 else 0,
        phase_ns if phase_ns > 0 else 0,
        0,
        round_trip_ns if round_trip_ns > 0 else 0,
        base_ns == message.ack_ns,
        lag_ns,
        place,
    )


def _of_a_later_poll(
    consumer: Consumer, message: Message, base_ns: int, place: int, interval_ns: int
) -> Delay:
    """Return the delay of a message that an earlier poll could have brought."""
    starts, end_ns = consumer.starts, consumer.ends[place]
    chance = bisect_left(starts, base_ns)
    begin = _round_begin(consumer, place, chance)
    lag_ns = max(0, starts[place] - max(consumer.readies[place], base_ns))
    idle_ns = [_idle_ns(consumer, it, base_ns, interval_ns) for it in range(chance, place + 1)]
    idle_ns[-1] = max(lag_ns, idle_ns[-1])
    return Delay(
        consumer,
        message,
        base_ns,
        place,
        delay_ns=max(0, end_ns - base_ns - sum(idle_ns)),
        phase_ns=max(0, starts[chance] - base_ns - idle_ns[0]),
        visibility_ns=max(0, starts[begin] - starts[chance] - sum(idle_ns[1 : begin - chance + 1])),
        round_trip_ns=max(0, end_ns - max(starts[begin], base_ns) - sum(idle_ns[begin - chance + 1 :])),
        is_live=base_ns == message.ack_ns,
        lag_ns=lag_ns,
        round_begin=begin,
    )


def _idle_ns(consumer: Consumer, place: int, base_ns: int, interval_ns: int) -> int:
    """Return how long a reader did nothing before a poll, if it did not mean to poll at its interval."""
    if not place:
        return 0
    before_ns = consumer.ends[place - 1]
    pause_ns = 0 if consumer.has_more_before(place) else interval_ns
    was_away = consumer.readies[place] - before_ns > pause_ns + AT_ONCE_NS
    idle_ns = consumer.starts[place] - max(before_ns, base_ns)
    return idle_ns if was_away and idle_ns > pause_ns else 0


def _round_begin(consumer: Consumer, place: int, chance: int) -> int:
    """Return the index of the first poll, from `chance` on, of the round of the poll at `place`."""
    while place > chance and consumer.continues(place):
        place -= 1
    return place
