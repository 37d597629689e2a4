"""Spans of time, merged where they overlap, with queries about what they touch."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

Span = tuple[float, float]
"""Start and end, in ns."""


class Spans:
    """Any number of spans of time."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[float] = []
        self._ends: list[float] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __iter__(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)

    def touch(self, start_ns: float, end_ns: float) -> bool:
        """Whether any of the time from `start_ns` to `end_ns` is inside a span."""
        index = bisect_left(self._ends, start_ns)
        return index < len(self._ends) and self._starts[index] <= end_ns

    def gap_around(self, ns: float) -> Span:
        """Return the end of the last span before this time, and the start of the span that ends next."""
        index = bisect_left(self._ends, ns)
        before_ns = self._ends[index - 1] if index else -math.inf
        return before_ns, self._starts[index] if index < len(self._starts) else math.inf

    def places(self, starts: Sequence[int], longest_ns: float) -> Iterator[int]:
        """Yield the indexes, in the sorted `starts`, of what can touch a span within `longest_ns`."""
        after = 0
        for start, end in zip(self._starts, self._ends, strict=True):
            first = max(after, bisect_left(starts, start - longest_ns))
            after = max(first, bisect_right(starts, end))
            yield from range(first, after)

    def end_of_last(self, start_ns: float, end_ns: float) -> float:
        """Return the end of the last span in this time, at most `end_ns`; without one, the time's start."""
        ends = (end for start, end in self if start <= end_ns and end >= start_ns)
        return min(max(ends, default=start_ns), end_ns)

    def total_ns(self) -> float:
        """Return how long they last together."""
        return sum(self._ends) - sum(self._starts)

    def inside_ns(self, start_ns: float, end_ns: float) -> float:
        """Return how much of the time from `start_ns` to `end_ns` is inside spans."""
        each = zip(self._starts, self._ends, strict=True)
        return sum(max(0, min(end, end_ns) - max(start, start_ns)) for start, end in each)

    def quiet_end_ns(self, start_ns: float, quiet_ns: float) -> float:
        """Return the end of the first `quiet_ns` after `start_ns` outside all spans, or infinity."""
        for index in range(bisect_left(self._ends, start_ns), len(self._ends)):
            if self._starts[index] > start_ns + quiet_ns:
                break
            start_ns = max(start_ns, self._ends[index])
        return start_ns + quiet_ns
