"""Which deliveries can be judged, and whether so many of them are late as a perfect server's would be.

`on-time` judges all of them together, `recovers` those after each heal; the arithmetic is the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from harness.arithmetic import allowed_misses, floor_share
from harness.checkers.consumers import Consumer, by_reader, consumers_of, mailboxes
from harness.checkers.delays import Delay, delays
from harness.checkers.fault_windows import fault_windows
from harness.checkers.pressure import Pressure
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, Bounds, History
from harness.history.memoize import memoize


@dataclass(frozen=True)
class Limits:
    """A target's bounds in ns."""

    bound_ns: float
    acceptable_ns: float
    interval_ns: float

    @classmethod
    def of(cls, bounds: Bounds) -> Limits:
        """The limits that these bounds name."""
        return cls(
            bounds.delivered_within_s * NS_PER_S,
            bounds.acceptable_round_trip_s * NS_PER_S,
            bounds.poll_interval_s * NS_PER_S,
        )

    @property
    def due_ns(self) -> float:
        """When a perfect server has answered the poll that had to bring a message, at the latest."""
        return self.bound_ns + self.acceptable_ns

    @property
    def worst_ns(self) -> float:
        """A delay which no share of late messages explains."""
        return self.due_ns + self.interval_ns


@dataclass(frozen=True)
class Timed:
    """Deliveries that are judged together; `shares` is what a perfect server is late for, by consumer."""

    delays: Sequence[Delay]
    shares: Mapping[str, float]
    limits: Limits
    pressure: Pressure

    @cached_property
    def to_live(self) -> list[Delay]:
        """Those to readers who were polling already."""
        return [delay for delay in self.delays if delay.base_ns == delay.message.ack_ns]

    @property
    def live(self) -> int:
        """How many those are."""
        return len(self.to_live)

    @cached_property
    def floor(self) -> float:
        """The share, 0 to 1, that a perfect server would have delivered late to the same clients."""
        deliveries = Counter(delay.consumer.name for delay in self.to_live)
        expected = sum(self.shares[name] * count for name, count in deliveries.items())
        return min(1.0, expected / self.live) if self.live else 0.0

    @cached_property
    def allowed(self) -> int:
        """More misses than these are not the arithmetic's."""
        return allowed_misses(self.live, self.floor)

    @cached_property
    def late(self) -> list[Delay]:
        """Those beyond the bound, the latest first; what never arrived is later than any."""
        bound_ns = self.limits.bound_ns
        late = [delay for delay in self.delays if delay.poll is None or delay.delay_ns > bound_ns]
        return sorted(late, key=lambda delay: delay.delay_s, reverse=True)

    @cached_property
    def misses(self) -> int:
        """How often the bound was missed; what one answer's poll phase made late together counts once."""
        return self._misses(self.late)

    @cached_property
    def guilty(self) -> list[Delay]:
        """The late deliveries that break the promise, but those which a machine too busy explains."""
        return self._beyond([delay for delay in self._suspects if not self._is_excused(delay)])

    @cached_property
    def excused(self) -> int:
        """How many would break it, but a machine too busy explains them."""
        return sum(map(self._is_excused, self._suspects))

    @cached_property
    def _suspects(self) -> list[Delay]:
        return self._beyond(self.late)

    def _is_excused(self, delay: Delay) -> bool:
        return self.pressure.excuses_wait(delay.base_ns, delay.known_ns(), self.limits.due_ns)

    def word(self, excused: int) -> str:
        """`missed`; `undecidable` where even a perfect server could be late for each one; else `met`."""
        if self.guilty:
            return "missed"
        undecidable = not self.delays or excused or self.is_hopeless
        return "undecidable" if undecidable else "met"

    @property
    def is_hopeless(self) -> bool:
        """Whether some were late, and round trips so uneven that a perfect server's could all have been."""
        return bool(self.misses) and self.allowed >= self.live

    def doubt(self, excused: int) -> str:
        """Why they decide nothing, if they do not, or as so many had to be excused; else ''."""
        if self.is_hopeless:
            return (
                f"{self.misses} of {self.live} deliveries missed the bound, and with round trips as uneven "
                f"as these a perfect server could have missed all of them (floor {self.floor:.1%})"
            )
        return self.pressure.doubt(excused, "late deliveries")

    def _misses(self, late: Iterable[Delay]) -> int:
        interval_ns, acceptable_ns = self.limits.interval_ns, self.limits.acceptable_ns
        by_phase: set[int] = set()
        others = 0
        for delay in late:
            if delay.poll is not None and delay.is_poll_phase(interval_ns, acceptable_ns):
                by_phase.add(delay.round_op)
            else:
                others += 1
        return len(by_phase) + others

    def _beyond(self, late: Sequence[Delay]) -> list[Delay]:
        """Those of the late which no share explains: all if there are too many, else the much too late."""
        too_many, worst_ns = self._misses(late) > self.allowed, self.limits.worst_ns
        return [d for d in late if too_many or d.poll is None or d.delay_ns > worst_ns]


class ByBegin:
    """Deliveries in the order in which they began, so that each quiet period can ask for its own."""

    def __init__(self, delays: Iterable[Delay]) -> None:
        self._delays = sorted(delays, key=attrgetter("base_ns"))
        self._begins = [delay.base_ns for delay in self._delays]

    def within(self, since_ns: float, until_ns: float) -> list[Delay]:
        """Those that began from `since_ns` on, and before `until_ns`."""
        return self._delays[bisect_left(self._begins, since_ns) : bisect_left(self._begins, until_ns)]


@dataclass
class Sorted:
    """All deliveries of a history: those that are judged, and those that are not."""

    history: History
    limits: Limits
    shares: dict[str, float] = field(default_factory=dict)
    judged: list[Delay] = field(default_factory=list)
    in_fault_windows: list[Delay] = field(default_factory=list)
    stopped: int = 0
    """How many of which the reader stopped before they were due."""

    @cached_property
    def judged_by_begin(self) -> ByBegin:
        """The judged deliveries, to be looked up by when they began."""
        return ByBegin(self.judged)

    @cached_property
    def in_fault_windows_by_begin(self) -> ByBegin:
        """Those that are not judged, to be looked up by when they began."""
        return ByBegin(self.in_fault_windows)

    def timed(self, some: Iterable[Delay]) -> Timed:
        """Some of the judged deliveries, to be judged together."""
        return Timed(list(some), self.shares, self.limits, Pressure(self.history))

    def sort_in(self, delay: Delay, disturbed: Spans) -> None:
        """Put a delivery where it belongs."""
        decided_ns = delay.base_ns + self.limits.due_ns
        if delay.poll is not None and delay.poll.end_ns < decided_ns:
            decided_ns = delay.poll.end_ns
        if disturbed.touch(delay.base_ns, decided_ns):
            self.in_fault_windows.append(delay)
        elif delay.poll is None and not self._was_due(delay):
            self.stopped += 1
        else:
            self.judged.append(delay)

    def _was_due(self, delay: Delay) -> bool:
        """Whether the consumer went on long enough to call a message that never arrived late."""
        answered = delay.consumer.last_answered
        if answered is not None and answered.start_ns >= delay.base_ns + self.limits.bound_ns:
            return True
        return delay.consumer.last.end_ns >= delay.base_ns + self.limits.worst_ns


@memoize
def deliveries(history: History) -> Sorted:
    """Sort every delivery that a consumer was owed."""
    readers, disturbed = by_reader(consumers_of(history)), fault_windows(history)
    found = Sorted(history, Limits.of(history.bounds))
    for recipient, mailbox in mailboxes(history).items():
        for consumer in readers.get(recipient, []):
            found.shares[consumer.name] = _share(consumer, history.bounds)
            for delay in delays(consumer, mailbox, int(found.limits.interval_ns)):
                found.sort_in(delay, disturbed)
    return found


def _share(consumer: Consumer, bounds: Bounds) -> float:
    """The share a perfect server would deliver late to this consumer; held polls measure no round trip.

    A reader who came after the ack is served by its first polls, so its messages have no poll phase.
    """
    return floor_share(
        [(poll.end_ns - poll.start_ns) / NS_PER_S for poll in consumer.polls if not poll.wait_s],
        bounds.poll_interval_s,
        bounds.acceptable_round_trip_s,
        slack_s=bounds.delivered_within_s - bounds.poll_interval_s,
        in_round_s=consumer.seconds_in_round,
    )
