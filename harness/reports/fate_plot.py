"""The fate plot: what became of each message. Time across, messages of one moment above each other.

Geometry only; the page draws it. Common fates are dots, of which one may stand for several messages; rare
fates are marks above them, one for each message. Each fate has a shape of its own beside its colour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.reports.record import FaultBand, RowResult, Timeline

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
WORDS = COMMON | RARE
FEWEST_LEVELS = 12
MOST_MARKS = 400
TALLEST_MARKS = 16
"""The most marks of one column: where nearly all is lost, that is to be seen without scrolling."""
SHORTEST_S = 1.0
_STEPS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class Place(NamedTuple):
    """Which message of a run it is: the number of its scenario in its row, and its own number in that."""

    row: str
    scenario: int
    message: int

    @property
    def name(self) -> str:
        """Its name in the page, to which links lead."""
        return f"m-{self.row}-{self.scenario}-{self.message}"


@dataclass(frozen=True)
class Dots:
    """All dots of one fate, as the path of an SVG: a line for each column, dashed into dots by the page."""

    fate: str
    words: str
    count: int
    path: str


@dataclass(frozen=True)
class Stack:
    """The dots of one fate in one column, from `y` upwards; `first` is the message that was sent first."""

    fate: str
    words: str
    count: int
    x: float
    y: float
    length: float
    first: Place


@dataclass(frozen=True)
class Mark:
    """One message with a rare fate."""

    fate: str
    words: str
    x: float
    y: float
    at_s: float
    delay_s: float | None
    place: Place


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
    stacks: tuple[Stack, ...]
    marks: tuple[Mark, ...]
    rare: tuple[tuple[str, str, int], ...]
    """How many messages have each rare fate, drawn or not: its letter, its words, their number."""
    bands: tuple[Band, ...]
    ticks: tuple[tuple[float, str], ...]
    per_dot: int
    left_out: int
    """How many marks are not drawn."""

    def places(self) -> Iterator[Place]:
        """Yield the messages whose events a click shows, the first of each fate before all others.

        They are those of all marks, and the first of each stack of dots.
        """
        fated = [(mark.fate, mark.place) for mark in self.marks]
        fated += [(stack.fate, stack.first) for stack in self.stacks]
        yield from dict(reversed(fated)).values()
        yield from (place for _, place in fated)


def fate_plot(rows: Sequence[RowResult], *, with_faults: bool) -> FatePlot | None:
    """Return the plot of all scenarios of these rows on the run's clock; None if they sent nothing."""
    timelines = [timeline for row in rows for timeline in row.timelines]
    if not any(timeline.fates for timeline in timelines):
        return None
    begin_s, end_s = _span(timelines)
    span_s = end_s - begin_s
    columns = _columns(rows, begin_s, span_s)
    commons = [Counter(one.fate for one in column if one.fate in COMMON) for column in columns]
    per_dot = max(1, math.ceil(max((common.total() for common in commons), default=0) / MOST_DOTS))
    dots = [{fate: math.ceil(common[fate] / per_dot) for fate in COMMON} for common in commons]
    rare = [[one for one in column if one.fate in RARE] for column in columns]
    drawn = _few(rare)
    levels = max(sum(some.values()) + len(marks) for some, marks in zip(dots, drawn, strict=True))
    height = DOT * max(FEWEST_LEVELS, levels)
    stacks = [
        stack
        for column, sent in enumerate(columns)
        for stack in _stacks(column, sent, commons[column], dots[column], height)
    ]
    marks = [mark for column, some in enumerate(drawn) for mark in _marks(column, some, dots[column], height)]
    counted = Counter(one.fate for some in rare for one in some)
    return FatePlot(
        COLUMNS * DOT,
        height,
        tuple(_dots(stacks)),
        tuple(stacks),
        tuple(marks),
        tuple((fate, words, counted[fate]) for fate, words in RARE.items() if counted[fate]),
        tuple(_bands(timelines, begin_s, span_s)) if with_faults else (),
        tuple(_ticks(span_s)),
        per_dot,
        counted.total() - len(marks),
    )


def _span(timelines: Iterable[Timeline]) -> tuple[float, float]:
    """Return when the first message was sent or the first fault injected, and the same of the last."""
    moments = [
        timeline.begin_s + at_s
        for timeline in timelines
        for at_s in (*timeline.sent_at_s, *(fault.from_s for fault in timeline.faults))
    ]
    return min(moments), max(*moments, min(moments) + SHORTEST_S)


def _few(rare: Sequence[Sequence[_Sent]]) -> list[list[_Sent]]:
    """Return the marks of each column that are drawn: as many of each as all have room for.

    The first of each fate comes before the second of any.
    """
    heights = range(TALLEST_MARKS, 0, -1)
    most = next(most for most in heights if sum(min(len(some), most) for some in rare) <= MOST_MARKS)
    return [sorted(some, key=_rank(some))[:most] for some in rare]


def _rank(some: Sequence[_Sent]) -> Callable[[_Sent], int]:
    """Return how many of the same fate come before a message."""
    seen: Counter[str] = Counter()
    ranks = {}
    for one in some:
        ranks[one.place] = seen[one.fate]
        seen[one.fate] += 1
    return lambda one: ranks[one.place]


class _Sent(NamedTuple):
    fate: str
    at_s: float
    delay_s: float | None
    place: Place


def _columns(rows: Iterable[RowResult], begin_s: float, span_s: float) -> list[list[_Sent]]:
    columns: list[list[_Sent]] = [[] for _ in range(COLUMNS)]
    for row in rows:
        for scenario, timeline in enumerate(row.timelines):
            sent = zip(timeline.fates, timeline.sent_at_s, timeline.delays_s, strict=True)
            for message, (fate, at_s, delay_s) in enumerate(sent):
                since_s = timeline.begin_s + at_s - begin_s
                place = Place(row.id, scenario, message)
                column = columns[min(COLUMNS - 1, int(since_s / span_s * COLUMNS))]
                column.append(_Sent(fate, since_s, delay_s, place))
    return columns


def _stacks(
    column: int, sent: Sequence[_Sent], counts: Counter[str], dots: dict[str, int], height: int
) -> Iterable[Stack]:
    for fate, words in COMMON.items():
        if dots[fate]:
            first = min((one for one in sent if one.fate == fate), key=lambda one: one.at_s)
            below = sum(dots[other] for other in _below(fate))
            length = DOT * (dots[fate] - 1) + HARDLY
            yield Stack(fate, words, counts[fate], _x(column), _y(below, height), length, first.place)


def _dots(stacks: Sequence[Stack]) -> Iterable[Dots]:
    for fate, words in COMMON.items():
        some = [stack for stack in stacks if stack.fate == fate]
        path = "".join(f"M{stack.x} {stack.y}v-{stack.length:g}" for stack in some)
        if path:
            yield Dots(fate, words, sum(stack.count for stack in some), path)


def _below(fate: str) -> list[str]:
    order = list(COMMON)
    return order[: order.index(fate)]


def _marks(column: int, some: Iterable[_Sent], dots: dict[str, int], height: int) -> Iterable[Mark]:
    below = sum(dots.values())
    for number, one in enumerate(some):
        y = _y(below + number, height)
        yield Mark(one.fate, RARE[one.fate], _x(column), y, round(one.at_s, 3), one.delay_s, one.place)


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
