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
from collections.abc import Iterator

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

    def until_ns(self) -> float:
        """When it arrived."""
        return self.poll.end_ns if self.poll is not None else float("inf")

    def known_ns(self) -> int:
        """When it arrived, or when the chain gave up waiting for it."""
        return (self.poll or self.chain.last).end_ns

    def is_poll_phase(self, interval_ns: float, acceptable_ns: float) -> bool:
        """Whether a perfect server could have been no sooner: first chance taken, in an acceptable time."""
        if self.poll is None or self.visibility_ns > 0:
            return False
        return self.phase_ns <= interval_ns and self.round_trip_ns <= acceptable_ns


def delays(chain: Chain, mailbox: Mailbox) -> Iterator[Delay]:
    """The delay of every message the chain is owed, arrived or not."""
    places = {poll.op: place for place, poll in enumerate(chain.polls)}
    for message in mailbox.owed(chain):
        base_ns = max(message.ack_ns or 0, chain.first.start_ns)
        arrival = chain.arrivals.get(message)
        if arrival is None:
            yield Delay(chain, message, base_ns, None, 0, 0, 0, 0)
        else:
            place = places[arrival.poll.op]
            chance = min(bisect_left(chain.starts, base_ns), place)
            yield _delay(chain, message, base_ns, place, chance)


def _delay(chain: Chain, message: Message, base_ns: int, place: int, chance: int) -> Delay:
    poll = chain.polls[place]
    ready_ns = max(poll.intended_ns, chain.polls[place - 1].end_ns if place else 0, base_ns)
    lag_ns = max(0, poll.start_ns - ready_ns)
    phase_ns = max(0, chain.polls[chance].start_ns - base_ns)
    visibility_ns = poll.start_ns - chain.polls[chance].start_ns
    if visibility_ns:
        visibility_ns = max(0, visibility_ns - lag_ns)
    else:
        phase_ns = max(0, phase_ns - lag_ns)
    return Delay(
        chain=chain,
        message=message,
        base_ns=base_ns,
        poll=poll,
        delay_ns=max(0, poll.end_ns - base_ns - lag_ns),
        phase_ns=phase_ns,
        visibility_ns=visibility_ns,
        round_trip_ns=max(0, poll.end_ns - max(poll.start_ns, base_ns)),
    )
