"""How far a worker's monotonic clock is ahead of its master's, and how wrong that estimate may be.

A worker asks its master for its time. The answer was given at some time between question and receipt, so the
estimate is wrong by at most half of the round trip, whatever either way took. The shortest round trip is the
best; as clocks drift apart, an old one becomes worse.
"""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 1e-4
"""By how much two clocks may differ in rate: ordinary ones by a tenth of it."""


@dataclass(frozen=True)
class _Reading:
    offset_ns: int
    error_ns: int
    at_ns: int

    def error_at(self, now_ns: int) -> float:
        return self.error_ns + DRIFT * abs(now_ns - self.at_ns)


class Clock:
    """A worker's clock, compared with its master's; that of a process without a master is the master's."""

    def __init__(self, *, is_the_master_s: bool = True) -> None:
        self._best = _Reading(0, 0, 0) if is_the_master_s else None
        self._is_the_master_s = is_the_master_s

    def heard(self, asked_ns: int, master_ns: int, now_ns: int) -> None:
        """Take the master's time, asked for at `asked_ns` and received at `now_ns` of this clock."""
        half_ns = (now_ns - asked_ns) / 2
        reading = _Reading(round(master_ns - asked_ns - half_ns), round(half_ns), now_ns)
        if self._best is None or reading.error_ns <= self._best.error_at(now_ns):
            self._best = reading

    @property
    def is_known(self) -> bool:
        """Whether there is an estimate."""
        return self._best is not None

    def to_master(self, ns: int) -> int:
        """Return a time of this clock as one of the master's."""
        return ns + (self._best.offset_ns if self._best else 0)

    def from_master(self, ns: int) -> int:
        """Return a time of the master's clock as one of this one."""
        return ns - (self._best.offset_ns if self._best else 0)

    def error_ns(self, now_ns: int) -> int:
        """Return how wrong such a time may be."""
        if self._is_the_master_s or self._best is None:
            return 0
        return round(self._best.error_at(now_ns))
