"""What several rounds of one measurement say: their median, and how sure it is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from harness.typed import Record

NOTCH = 1.57
"""Half a notch of a box plot, in quartile distances over the root of n. Two medians whose notches do not
touch differ with about 95 % confidence (McGill, Tukey and Larsen 1978, Variations of Box Plots)."""


class Summary(Record, frozen=True):
    """The median of some rounds and its quartiles; `low` and `high` are the ends of the median's notch."""

    median: float
    q1: float
    q3: float
    low: float
    high: float
    rounds: int


def summary(values: Sequence[float]) -> Summary:
    """Return what these rounds say. Raise ValueError for none, and for one that is not a finite number."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"rounds must be finite numbers, at least one, not {list(values)}")
    median = statistics.median(values)
    q1, q3 = _quartiles(values)
    half = NOTCH * (q3 - q1) / math.sqrt(len(values))
    return Summary(median, q1, q3, median - half, median + half, len(values))


def percentile(values: Sequence[float], share: int) -> float:
    """Return the smallest of the values that so many percent of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share / 100) - 1)]


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    q1, _, q3 = statistics.quantiles(values, n=4, method="inclusive")
    return q1, q3
