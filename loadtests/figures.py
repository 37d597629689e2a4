"""What a process of a load test counted and timed; figures of several processes are added up without loss.

Histograms have microseconds with four significant digits: around 2 s they are exact to 0.13 ms. Whether a
delivery was late is decided by nanoseconds, before it is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from hdrh.histogram import HdrHistogram

NS_PER_US = 1000
LONGEST_US = 600 * 1_000_000
TIMES = ("send", "poll", "delivery", "since_ack", "lag")
"""From a send's or poll's intended time to its answer; from a message's intended time, and from its ack,
to its receipt; and how much later than intended the generator began a send or a poll."""


class Figures:
    """Counts by name, sums of seconds by name, and a histogram of each of `TIMES`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.counts: Counter[str] = Counter()
        self.sums_s: defaultdict[str, float] = defaultdict(float)
        self.times = {name: HdrHistogram(1, LONGEST_US, 4) for name in TIMES}

    def took(self, name: str, ns: int) -> None:
        """Add one time."""
        self.times[name].record_value(min(max(1, ns // NS_PER_US), LONGEST_US))

    def number_of(self, name: str) -> int:
        """Return how many times there are."""
        return int(self.times[name].get_total_count())

    def percentile_ms(self, name: str, q: float, *, never: int = 0) -> float | None:
        """Return a percentile in ms; None if it is one of the `never` more that did not end, or of none."""
        ended = self.number_of(name)
        part = q * (ended + never) / max(1, ended)
        if not ended or part > 100:
            return None
        return float(self.times[name].get_value_at_percentile(part)) / 1000

    def longest_ms(self, name: str) -> float:
        """Return the longest time in ms; 0 if there is none."""
        return float(self.times[name].get_max_value()) / 1000

    @property
    def share_of_cpu(self) -> float:
        """The share of one core that a process of the generator used, on average; 0 if it is not known."""
        return self.sums_s["cpu"] / self.sums_s["wall"] if self.sums_s["wall"] else 0.0

    def to_message(self) -> dict[str, Any]:
        """Return the figures as they travel to the master."""
        times = {name: histogram.encode().decode("ascii") for name, histogram in self.times.items()}
        return {"counts": dict(self.counts), "sums_s": dict(self.sums_s), "times": times}

    def add(self, message: Mapping[str, Any]) -> None:
        """Add the figures of another process."""
        self.counts.update(message["counts"])
        for name, seconds in message["sums_s"].items():
            self.sums_s[name] += seconds
        for name, encoded in message["times"].items():
            self.times[name].decode_and_add(encoded)
