"""Delivery delays as lanes of bars on one axis: geometry only, in per cent of the axis; the page draws it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.reports.record import RowResult, RunRecord
from harness.reports.words import delivery_numbers

BINS = 100
_STEPS_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
_MOST_TICKS = 8


@dataclass(frozen=True)
class Bar:
    """One bin of a lane: its place, its height (relative to the highest), whether it is beyond the bound."""

    x: float
    width: float
    height: float
    count: int
    late: bool


@dataclass(frozen=True)
class Lane:
    """One row's deliveries."""

    row: RowResult
    summary: str
    bars: tuple[Bar, ...]
    late: int


@dataclass(frozen=True)
class Lanes:
    """The deliveries of every row on one axis, with its ticks as (x, label) and the x of the bound."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    bound_x: float
    bound: str


def lanes(run: RunRecord) -> Lanes | None:
    """Return the lanes of the rows that timed deliveries; None if none did."""
    timed = [row for row in run.rows if row.latencies_s]
    if not timed:
        return None
    bound_s = run.delivered_within_s
    longest_s = max(bound_s * 1.25, *(max(row.latencies_s) * 1.02 for row in timed))
    step_s = next((step for step in _STEPS_S if longest_s / step <= _MOST_TICKS), _STEPS_S[-1])
    # Bins end at the bound, so that no bar is half late.
    bin_s = bound_s / math.ceil(BINS * bound_s / longest_s)
    return Lanes(
        lanes=tuple(_lane(row, bound_s, bin_s, longest_s) for row in timed),
        ticks=tuple(_ticks(step_s, longest_s)),
        bound_x=100 * bound_s / longest_s,
        bound=f"{bound_s:g} s promised",
    )


def _lane(row: RowResult, bound_s: float, bin_s: float, longest_s: float) -> Lane:
    counts: dict[int, int] = {}
    for latency_s in row.latencies_s:
        # The bound itself is in time: a bin holds its upper edge.
        place = max(0, math.ceil(latency_s / bin_s - 1e-9) - 1)
        counts[place] = counts.get(place, 0) + 1
    highest = max(counts.values())
    bars = tuple(
        Bar(
            x=100 * place * bin_s / longest_s,
            width=100 * bin_s / longest_s,
            height=100 * count / highest,
            count=count,
            late=(place + 0.5) * bin_s > bound_s,
        )
        for place, count in sorted(counts.items())
    )
    late = sum(latency_s > bound_s for latency_s in row.latencies_s)
    return Lane(row, delivery_numbers(row), bars, late)


def _ticks(step_s: float, longest_s: float) -> Iterable[tuple[float, str]]:
    for number in range(int(longest_s / step_s) + 1):
        yield 100 * number * step_s / longest_s, f"{number * step_s:g}"
