"""Which deliveries can be judged, and whether more of them are late than with a perfect server.

`on-time` judges all of them together, `recovers` those after each outage; the arithmetic is the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from harness.arithmetic import allowed_misses, floor_share
from harness.checkers.consumers import Consumer, by_reader, consumers_of
from harness.checkers.delays import Delay, delays
from harness.checkers.fault_windows import fault_windows
from harness.checkers.mailboxes import mailboxes
from harness.checkers.pressure import Pressure
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, Bounds, History
from harness.history.memoize import memoize

_CONSUMER_NAME = attrgetter("consumer.name")


@dataclass(frozen=True)
class Limits:
    """A target's bounds in ns."""

    bound_ns: float
    acceptable_ns: float
    interval_ns: float

    @classmethod
    def of(cls, bounds: Bounds) -> Limits:
        """Return the limits that these bounds set."""
        return cls(
            bounds.delivered_within_s * NS_PER_S,
            bounds.acceptable_round_trip_s * NS_PER_S,
            bounds.poll_interval_s * NS_PER_S,
        )

    @property
    def due_ns(self) -> float:
        """After how long a perfect server has answered the poll that must bring a message."""
        return self.bound_ns + self.acceptable_ns

    @property
    def worst_ns(self) -> float:
        """A delay beyond this is a violation, however many may be late."""
        return self.due_ns + self.interval_ns


@dataclass(frozen=True)
class Timed:
    """Deliveries that are judged together; `shares`: how many a perfect server delivers late, by consumer."""

    delays: Sequence[Delay]
    shares: Mapping[str, float]
    limits: Limits
    pressure: Pressure

    @cached_property
    def to_live(self) -> list[Delay]:
        """Deliveries to readers who were already polling when the message was acked."""
        return [delay for delay in self.delays if delay.is_live]

    @property
    def live(self) -> int:
        """How many deliveries went to readers who were already polling."""
        return len(self.to_live)

    @cached_property
    def floor(self) -> float:
        """The share, 0 to 1, that a perfect server would have delivered late to the same clients."""
        deliveries = Counter(map(_CONSUMER_NAME, self.to_live))
        expected = sum(self.shares[name] * count for name, count in deliveries.items())
        return min(1.0, expected / self.live) if self.live else 0.0

    @cached_property
    def allowed(self) -> int:
        """How many misses a perfect server can have."""
        return allowed_misses(self.live, self.floor)

    @cached_property
    def late(self) -> list[Delay]:
        """Deliveries beyond the bound, the latest first; what never arrived comes before all."""
        bound_ns = self.limits.bound_ns
        late = [delay for delay in self.delays if delay.place is None or delay.delay_ns > bound_ns]
        return sorted(late, key=lambda delay: delay.delay_s, reverse=True)

    @cached_property
    def misses(self) -> int:
        """How often the bound was missed; messages that one answer's poll phase made late count once."""
        return self._misses(self.late)

    @cached_property
    def violations(self) -> list[Delay]:
        """The late deliveries that break the promise, without those that resource pressure explains."""
        return self._beyond([delay for delay in self._suspects if not self._is_excused(delay)])

    @cached_property
    def excused(self) -> int:
        """How many late deliveries would break the promise, but resource pressure explains them."""
        return sum(map(self._is_excused, self._suspects))

    @cached_property
    def _suspects(self) -> list[Delay]:
        return self._beyond(self.late)

    def _is_excused(self, delay: Delay) -> bool:
        return self.pressure.excuses_wait(delay.base_ns, delay.known_ns(), self.limits.due_ns)

    def word(self, excused: int) -> str:
        """Return `missed`, `undecidable` if even a perfect server could be late with each, or `met`."""
        if self.violations:
            return "missed"
        undecidable = not self.delays or excused or self.is_undecidable
        return "undecidable" if undecidable else "met"

    @property
    def is_undecidable(self) -> bool:
        """Whether some were late, and with such round trips a perfect server could be late with all."""
        return bool(self.misses) and self.allowed >= self.live

    def doubt(self, excused: int) -> str:
        """Return why nothing can be decided, also because any had to be excused; else ''."""
        if self.is_undecidable:
            return (
                f"{self.misses} of {self.live} deliveries missed the bound, and the round trips vary so much "
                f"that a perfect server could have missed it with all of them (floor {self.floor:.1%})"
            )
        return self.pressure.doubt(excused, "late deliveries")

    def _misses(self, late: Iterable[Delay]) -> int:
        interval_ns, acceptable_ns = self.limits.interval_ns, self.limits.acceptable_ns
        by_phase: set[int] = set()
        others = 0
        for delay in late:
            if delay.is_poll_phase(interval_ns, acceptable_ns):
                by_phase.add(delay.round_op)
            else:
                others += 1
        return len(by_phase) + others

    def _beyond(self, late: Sequence[Delay]) -> list[Delay]:
        """Return the late deliveries that break the promise: all if too many, else the much too late."""
        too_many, worst_ns = self._misses(late) > self.allowed, self.limits.worst_ns
        return [d for d in late if too_many or d.place is None or d.delay_ns > worst_ns]


class ByBegin:
    """Deliveries in the order in which they began, to look up those of a quiet period."""

    def __init__(self, delays: Iterable[Delay]) -> None:
        self._delays = sorted(delays, key=attrgetter("base_ns"))
        self._begins = [delay.base_ns for delay in self._delays]

    def within(self, since_ns: float, until_ns: float) -> list[Delay]:
        """Return those that began from `since_ns` on, and before `until_ns`."""
        return self._delays[bisect_left(self._begins, since_ns) : bisect_left(self._begins, until_ns)]


@dataclass
class SortedDeliveries:
    """All deliveries of a history: those that are judged, and those in fault windows, which are not."""

    history: History
    limits: Limits
    shares: dict[str, float] = field(default_factory=dict)
    judged: list[Delay] = field(default_factory=list)
    not_judged: list[Delay] = field(default_factory=list)
    stopped: int = 0
    """How many never arrived, but their reader stopped before they were due."""

    @cached_property
    def judged_by_begin(self) -> ByBegin:
        """The judged deliveries, to be looked up by when they began."""
        return ByBegin(self.judged)

    @cached_property
    def not_judged_by_begin(self) -> ByBegin:
        """Those that are not judged, to be looked up by when they began."""
        return ByBegin(self.not_judged)

    def timed(self, some: Iterable[Delay]) -> Timed:
        """Return some of the judged deliveries, to be judged together."""
        return Timed(list(some), self.shares, self.limits, Pressure(self.history))

    def sort_in(self, some: Iterable[Delay], excused: Spans) -> None:
        """Add deliveries to those that are judged; to the others if an excused time can have decided them."""
        due_ns, judged = self.limits.due_ns, self.judged
        before_ns = after_ns = -math.inf
        for delay in some:
            base_ns = delay.base_ns
            if not before_ns < base_ns < after_ns:  # most begin in the same gap between excused times
                before_ns, after_ns = excused.gap_around(base_ns)
            if base_ns + due_ns >= after_ns and excused.touch(base_ns, delay.decided_ns(due_ns)):
                self.not_judged.append(delay)
            elif delay.place is None and not self._was_due(delay):
                self.stopped += 1
            else:
                judged.append(delay)

    def _was_due(self, delay: Delay) -> bool:
        """Whether the consumer polled on long enough for a message that never arrived to be late."""
        answered = delay.consumer.last_answered
        if answered is not None and answered.start_ns >= delay.base_ns + self.limits.bound_ns:
            return True
        return delay.consumer.last.end_ns >= delay.base_ns + self.limits.worst_ns


@memoize
def deliveries(history: History) -> SortedDeliveries:
    """Return every delivery that must reach a consumer, sorted into judged and not judged."""
    readers, faults = by_reader(consumers_of(history)), fault_windows(history)
    found = SortedDeliveries(history, Limits.of(history.bounds))
    for recipient, mailbox in mailboxes(history).items():
        for consumer in readers.get(recipient, []):
            found.shares[consumer.name] = _share(consumer, history.bounds)
            excused = Spans([*faults, *consumer.hidden])
            found.sort_in(delays(consumer, mailbox, int(found.limits.interval_ns)), excused)
    return found


def _share(consumer: Consumer, bounds: Bounds) -> float:
    """Return the share that a perfect server would deliver late to this consumer."""
    return floor_share(
        consumer.round_trips_s,
        bounds.poll_interval_s,
        bounds.acceptable_round_trip_s,
        slack_s=bounds.delivered_within_s - bounds.poll_interval_s,
        in_round_s=consumer.seconds_in_round,
    )
