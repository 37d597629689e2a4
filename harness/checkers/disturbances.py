"""When faults lasted, for the promises that are judged only while the system can keep them."""

from __future__ import annotations

import math
from bisect import bisect_left

from harness.history import NS_PER_S, FaultWindow, History

HARMLESS_STORES = frozenset({"clock"})
"""Faults under which every guarantee holds (contract: Under faults), timeliness included."""


def recovered_ns(window: FaultWindow, history: History) -> float:
    """When the server must have recovered from a fault; infinity if it was never seen healed."""
    if window.healed_ns is None:
        return math.inf
    return window.healed_ns + history.bounds.recovers_within_s * NS_PER_S


class Disturbances:
    """The times from each injection until the server must have recovered, merged where they overlap."""

    def __init__(self, history: History) -> None:
        spans = sorted(
            (window.injected_ns, recovered_ns(window, history))
            for window in history.faults
            if window.store not in HARMLESS_STORES
        )
        self._starts: list[float] = []
        self._ends: list[float] = []
        for start, end in spans:
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, start_ns: float, end_ns: float) -> bool:
        """Whether any of the time from `start_ns` to `end_ns` was disturbed."""
        index = bisect_left(self._ends, start_ns)
        return index < len(self._ends) and self._starts[index] <= end_ns

    def calm_end_ns(self, start_ns: float, calm_ns: float) -> float:
        """The end of the first undisturbed `calm_ns` from `start_ns` on; infinity if there is none."""
        for index in range(bisect_left(self._ends, start_ns), len(self._ends)):
            if self._starts[index] > start_ns + calm_ns:
                break
            start_ns = max(start_ns, self._ends[index])
        return start_ns + calm_ns
