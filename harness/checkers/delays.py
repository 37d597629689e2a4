"""How long each acked message took to reach each chain of its recipient, and whose time that was.

The delay runs from the ack, or from the chain's first poll where the reader came later, to the answer that
brought the message. It falls apart without a rest into

- `phase`: until the chain's first poll after the ack starts; the client's, because it polls at intervals;
- `visibility`: from there until the poll that brought the message starts; 0 when it was the first that could;
- `round_trip`: that poll's own; and
- `lag`: by how much the harness itself started that poll late. It is not the server's, and taken off.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct

from harness.checkers.chains import Chain, Mailbox
from harness.checkers.messages import Message
from harness.history import NS_PER_S, Poll


class Delay(Struct, frozen=True, gc=False):  # as it refers to nothing that refers to it
    """One obligation's timing, in ns; `poll` is None (and the times mean nothing) when it never arrived."""

    chain: Chain
    message: Message
    base_ns: int
    poll: Poll | None
    delay_ns: int
    phase_ns: int
    visibility_ns: int
    round_trip_ns: int

    @property
    def delay_s(self) -> float:
        """The delay in seconds; infinite when the message never arrived."""
        return self.delay_ns / NS_PER_S if self.poll is not None else float("inf")

    @property
    def is_live(self) -> bool:
        """Whether the chain was already polling when the message was acked."""
        return self.base_ns == self.message.ack_ns

    def known_ns(self) -> int:
        """When it arrived, or when the chain gave up waiting for it."""
        return (self.poll or self.chain.last).end_ns

    def is_poll_phase(self, interval_ns: float, acceptable_ns: float) -> bool:
        """Whether a perfect server could have been no sooner: first chance taken, in an acceptable time."""
        if self.poll is None or self.visibility_ns > 0:
            return False
        return self.phase_ns <= interval_ns and self.round_trip_ns <= acceptable_ns


def seconds(some: Iterable[Delay]) -> list[float]:
    """The delays in seconds; infinite for what never arrived."""
    return [delay.delay_ns / NS_PER_S if delay.poll is not None else float("inf") for delay in some]


def delays(chain: Chain, mailbox: Mailbox) -> Iterator[Delay]:
    """The delay of every message the chain is owed, arrived or not."""
    first_ns, arrivals = chain.first.start_ns, chain.arrivals
    for message in mailbox.owed(chain):
        acked_ns = message.ack_ns or 0
        base_ns = acked_ns if acked_ns > first_ns else first_ns
        arrival = arrivals.get(message)
        if arrival is None:
            yield Delay(chain, message, base_ns, None, 0, 0, 0, 0)
        else:
            yield _delay(chain, message, base_ns, arrival.place)


def _delay(chain: Chain, message: Message, base_ns: int, place: int) -> Delay:
    poll, starts = chain.polls[place], chain.starts
    chance = place  # as with most: the poll before it began sooner than the ack
    if place and starts[place - 1] >= base_ns:
        chance = bisect_left(starts, base_ns)
    start_ns, end_ns = poll.start_ns, poll.end_ns
    ready_ns = max(poll.intended_ns, chain.polls[place - 1].end_ns if place else 0, base_ns)
    lag_ns = start_ns - ready_ns if start_ns > ready_ns else 0
    phase_ns = max(0, starts[chance] - base_ns)
    visibility_ns = start_ns - starts[chance]
    if lag_ns and visibility_ns:
        visibility_ns = max(0, visibility_ns - lag_ns)
    elif lag_ns:
        phase_ns = max(0, phase_ns - lag_ns)
    delay_ns = max(0, end_ns - base_ns - lag_ns)
    round_trip_ns = max(0, end_ns - (start_ns if start_ns > base_ns else base_ns))
    return Delay(chain, message, base_ns, poll, delay_ns, phase_ns, visibility_ns, round_trip_ns)
