"""How a well-behaved client polls: which cursor it sends next, and when.

Pure, so that the scenarios' traffic and the load test can share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.adapters import Message, Page
from harness.arithmetic import smoothed_round_trip
from harness.history import NS_PER_S


@dataclass
class Cursor:
    """The cursor of a consumer: each page's `next_since` becomes the next poll's `since`."""

    since: str | None = None
    _seen: set[str] = field(default_factory=set, repr=False)

    def parameters(self, limit: int | None = None) -> dict[str, str]:
        """Return the query parameters of the next poll."""
        parameters = {"since": self.since} if self.since is not None else {}
        return parameters | ({"limit": str(limit)} if limit is not None else {})

    def accept(self, page: Page) -> list[Message]:
        """Move past a page; return its messages that this consumer has not seen before."""
        fresh = [message for message in page.messages if message.id not in self._seen]
        self._seen.update(message.id for message in fresh)
        self.since = page.next_since
        return fresh


@dataclass
class PollSchedule:
    """When to poll next, in nanoseconds: one interval from the *start* of the last poll, less the round trip.

    A client that sleeps a full interval after each answer sees delays of up to the interval plus a round trip
    and so misses a bound equal to the interval even with a perfect server.
    """

    interval_ns: int
    smoothed_round_trip_s: float | None = None

    def next_start(self, start_ns: int, end_ns: int, *, was_held: bool = False) -> int:
        """Return the intended start of the poll after one that ran from `start_ns` to `end_ns`.

        The time of a poll that was held open says nothing about a round trip.
        """
        if not was_held:
            round_trip_s = (end_ns - start_ns) / NS_PER_S
            self.smoothed_round_trip_s = smoothed_round_trip(self.smoothed_round_trip_s, round_trip_s)
        smoothed_ns = int((self.smoothed_round_trip_s or 0.0) * NS_PER_S)
        return max(end_ns, start_ns + self.interval_ns - smoothed_ns)
