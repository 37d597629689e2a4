"""The fate plot: what became of each message. Time across, messages of one moment above each other.

Geometry only; the page draws it. Common fates are dots, of which one may stand for several messages; rare
fates are crosses above them, one for each message.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.reports.record import FaultBand, Timeline

COLUMNS = 150
MOST_DOTS = 40
"""In one column; beyond that, a dot stands for several messages."""
DOT = 6
"""The side of a dot's cell; `report.css.j2` dashes lines by it."""
HARDLY = 0.1
"""A line without length would have no dash."""
COMMON = {
    "d": "delivered",
    "r": "refused",
    "c": "delivered, though its send had failed",
    "n": "read by no one",
}
RARE = {"l": "late", "x": "lost", "2": "delivered twice", "u": "unknown whether stored"}
FEWEST_LEVELS = 12
MOST_CROSSES = 400
SHORTEST_S = 1.0
_STEPS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Dots:
    """All dots of one fate, as the path of an SVG: a line for each column, dashed into dots by the page."""

    fate: str
    words: str
    count: int
    path: str


@dataclass(frozen=True)
class Cross:
    """One message with a rare fate."""

    fate: str
    words: str
    x: float
    y: float
    at_s: float
    delay_s: float | None


@dataclass(frozen=True)
class Band:
    """A fault window."""

    name: str
    x: float
    width: float


@dataclass(frozen=True)
class FatePlot:
    """The plot, in units of its viewBox; `per_dot` is how many messages a dot stands for."""

    width: int
    height: int
    dots: tuple[Dots, ...]
    crosses: tuple[Cross, ...]
    bands: tuple[Band, ...]
    ticks: tuple[tuple[float, str], ...]
    per_dot: int
    left_out: int
    """How many crosses are not drawn."""


def fate_plot(timelines: Sequence[Timeline], *, with_faults: bool) -> FatePlot | None:
    """Return the plot of one or more scenarios on the run's clock; None if they sent nothing."""
    if not any(timeline.fates for timeline in timelines):
        return None
    begin_s, end_s = _span(timelines)
    span_s = end_s - begin_s
    columns = _columns(timelines, begin_s, span_s)
    commons = [Counter(fate for fate, _, _ in column if fate in COMMON) for column in columns]
    per_dot = max(1, math.ceil(max((common.total() for common in commons), default=0) / MOST_DOTS))
    stacked = [{fate: math.ceil(common[fate] / per_dot) for fate in COMMON} for common in commons]
    rare = [[one for one in column if one[0] in RARE] for column in columns]
    rows = max(sum(dots.values()) + len(some) for dots, some in zip(stacked, rare, strict=True))
    height = DOT * max(FEWEST_LEVELS, min(rows, 2 * MOST_DOTS))
    crosses = [
        cross for place, some in enumerate(rare) for cross in _crosses(place, some, stacked[place], height)
    ]
    return FatePlot(
        COLUMNS * DOT,
        height,
        tuple(_dots(commons, stacked, height)),
        tuple(crosses[:MOST_CROSSES]),
        tuple(_bands(timelines, begin_s, span_s)) if with_faults else (),
        tuple(_ticks(span_s)),
        per_dot,
        max(0, len(crosses) - MOST_CROSSES),
    )


def _span(timelines: Iterable[Timeline]) -> tuple[float, float]:
    """Return when the first message was sent or the first fault injected, and the same of the last."""
    moments = [
        timeline.begin_s + at_s
        for timeline in timelines
        for at_s in (*timeline.sent_at_s, *(fault.from_s for fault in timeline.faults))
    ]
    return min(moments), max(*moments, min(moments) + SHORTEST_S)


_Sent = tuple[str, float, float | None]


def _columns(timelines: Iterable[Timeline], begin_s: float, span_s: float) -> list[list[_Sent]]:
    columns: list[list[_Sent]] = [[] for _ in range(COLUMNS)]
    for timeline in timelines:
        for fate, at_s, delay_s in zip(timeline.fates, timeline.sent_at_s, timeline.delays_s, strict=True):
            since_s = timeline.begin_s + at_s - begin_s
            columns[min(COLUMNS - 1, int(since_s / span_s * COLUMNS))].append((fate, since_s, delay_s))
    return columns


def _dots(commons: Sequence[Counter[str]], stacked: Sequence[dict[str, int]], height: int) -> Iterable[Dots]:
    for fate, words in COMMON.items():
        path = []
        for place, dots in enumerate(stacked):
            below = sum(dots[other] for other in _below(fate))
            if dots[fate]:
                path.append(f"M{_x(place)} {_y(below, height)}v-{DOT * (dots[fate] - 1) + HARDLY:g}")
        if path:
            yield Dots(fate, words, sum(common[fate] for common in commons), "".join(path))


def _below(fate: str) -> list[str]:
    order = list(COMMON)
    return order[: order.index(fate)]


def _crosses(place: int, some: Iterable[_Sent], dots: dict[str, int], height: int) -> Iterable[Cross]:
    below = sum(dots.values())
    for number, (fate, at_s, delay_s) in enumerate(some):
        yield Cross(fate, RARE[fate], _x(place), _y(below + number, height), round(at_s, 3), delay_s)


def _x(place: int) -> int:
    return DOT * place + DOT // 2


def _y(level: int, height: int) -> int:
    return max(DOT // 2, height - DOT * level - DOT // 2)


def _bands(timelines: Iterable[Timeline], begin_s: float, span_s: float) -> Iterable[Band]:
    for timeline in timelines:
        for fault in timeline.faults:
            yield _band(timeline, fault, begin_s, span_s)


def _band(timeline: Timeline, fault: FaultBand, begin_s: float, span_s: float) -> Band:
    scale = COLUMNS * DOT / span_s
    to_s = timeline.seconds if fault.to_s is None else fault.to_s
    x = (timeline.begin_s + fault.from_s - begin_s) * scale
    width = min(COLUMNS * DOT - x, (to_s - fault.from_s) * scale)
    return Band(fault.name, round(x, 1), round(max(2.0, width), 1))


def _ticks(span_s: float) -> Iterable[tuple[float, str]]:
    step_s = next((step for step in _STEPS_S if span_s / step <= 10), _STEPS_S[-1])
    for number in range(int(span_s / step_s) + 1):
        at_s = number * step_s
        yield round(at_s / span_s * COLUMNS * DOT, 1), f"{at_s:g}"
