"""What a benchmark (`bench.json`) and a search for the capacity (`capacity.json`) measured, in two runs.

Only what is compared is read; docs/speed.md and docs/capacity.md document the files. A figure moves beyond
its noise alone, by the same rule wherever two runs are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from msgspec import Struct

from harness.reports.comparison import Change, Move
from harness.reports.files import read_typed

BENCH, CAPACITY = "bench.json", "capacity.json"
LEAST_SHARE = 0.05
"""A smaller change of a figure is never a move: two runs of the same server differ by as much."""
BUSY_SHARE = 0.10
"""Of the processors: from there on, a figure is also about other programs."""
CARRIED_SHARE = 0.15
"""A smaller change of the pollers carried is never a move: a search steps over as much."""


class Median(Struct, frozen=True):
    """A median, and the ends of its notch (see `benchmarks.statistics`)."""

    median: float
    low: float
    high: float


class Busyness(Struct, frozen=True):
    """Shares of the processors that others took meanwhile."""

    others: float
    stolen: float


class Figure(Struct, frozen=True):
    """One figure of a benchmark."""

    name: str
    value: Median
    unit: str
    is_ratio: bool
    more_is_better: bool
    resolution: float
    busyness: Busyness

    @property
    def is_busy(self) -> bool:
        """Whether the figure is also about other programs."""
        return self.busyness.others + self.busyness.stolen > BUSY_SHARE


class Machine(Struct, frozen=True):
    """Where something was measured."""

    cpus: int
    platform: str


class Bench(Struct, frozen=True):
    """One run of the benchmark."""

    format: Literal[1]
    started_at: str
    figures: tuple[Figure, ...]
    environment: Machine


class Curve(Struct, frozen=True):
    """What a search found: the most pollers that were carried, and the fewest above it that were not."""

    carried: int
    not_carried: int | None


class Capacity(Struct, frozen=True):
    """One search for the capacity."""

    format: Literal[1]
    started_at: str
    target: str
    interval_s: float
    send_every_s: float
    verdict: str
    server: Curve
    capacity_ratio: float | None
    environment: Machine


class Interval(Protocol):
    """A median with the ends of its notch."""

    @property
    def median(self) -> float:
        """The median."""

    @property
    def low(self) -> float:
        """The lower end of its notch."""

    @property
    def high(self) -> float:
        """The upper end."""


class Measured(Protocol):
    """A figure, whoever read it."""

    @property
    def value(self) -> Interval:
        """What was measured."""

    @property
    def more_is_better(self) -> bool:
        """Whether a larger value is a better one."""

    @property
    def resolution(self) -> float:
        """The smallest difference that can be measured."""

    @property
    def is_busy(self) -> bool:
        """Whether other programs used the machine meanwhile."""


def noise_of(before: Measured, after: Measured) -> float:
    """Return by how much the median of a figure may differ without having moved.

    That is both notches together, LEAST_SHARE, and what can be measured at all, whichever is the most.
    """
    old, new = before.value, after.value
    notches = (old.high - old.low + new.high - new.low) / 2
    return max(notches, LEAST_SHARE * abs(old.median), before.resolution, after.resolution)


def move_of(before: Measured, after: Measured) -> Move:
    """Return how a figure moved; unsure where it looks worse, but the machine was busy in one of the runs."""
    difference = after.value.median - before.value.median
    if abs(difference) <= noise_of(before, after):
        return Move.SAME
    if (difference > 0) == after.more_is_better:
        return Move.BETTER
    return Move.UNSURE if before.is_busy or after.is_busy else Move.WORSE


def benchmark_changes(before: Bench, after: Bench) -> Iterator[Change]:
    """Yield the change of each figure that both runs measured in the same way."""
    earlier = {figure.name: figure for figure in before.figures}
    for new in after.figures:
        old = earlier.get(new.name)
        if old is not None and (old.unit, old.is_ratio) == (new.unit, new.is_ratio):
            yield Change("benchmark", new.name, _amount(old), _amount(new), move_of(old, new))


def _amount(figure: Figure) -> str:
    value = figure.value.median
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text if figure.is_ratio else f"{text} {figure.unit}"


def capacity_changes(before: Capacity, after: Capacity) -> Iterator[Change]:
    """Yield the change of what was carried, and of its share of what a bare route carries.

    Searches that polled or sent at other intervals are not compared.
    """
    if (before.interval_s, before.send_every_s) != (after.interval_s, after.send_every_s):
        return
    old, new = before.server, after.server
    decided = before.verdict == after.verdict == "pass"
    move = _carried(old, new, decided=decided)
    yield Change("capacity", "pollers carried", _pollers(old), _pollers(new), move)
    if before.capacity_ratio is not None and after.capacity_ratio is not None:
        old_ratio, new_ratio = before.capacity_ratio, after.capacity_ratio
        move = _share(old_ratio, new_ratio)
        yield Change("capacity", "capacity_ratio", f"{old_ratio:.2f}", f"{new_ratio:.2f}", move)


def _share(old: float, new: float) -> Move:
    if abs(new - old) <= CARRIED_SHARE * old:
        return Move.SAME
    return Move.BETTER if new > old else Move.WORSE


def _carried(old: Curve, new: Curve, *, decided: bool) -> Move:
    """Return how it moved: the sizes between what was carried and what was not must lie apart."""
    if new.carried > old.carried * (1 + CARRIED_SHARE) and new.carried >= (
        old.not_carried or new.carried + 1
    ):
        return Move.BETTER
    is_less = new.not_carried is not None and new.not_carried <= old.carried
    if is_less and new.carried < old.carried * (1 - CARRIED_SHARE):
        return Move.WORSE if decided else Move.UNSURE
    return Move.SAME


def _pollers(curve: Curve) -> str:
    return f"{curve.carried:,}" if curve.not_carried is not None else f"{curve.carried:,} or more"


T = TypeVar("T", Bench, Capacity)


def read_figures(path: Path, kind: type[T]) -> T:
    """Return what a file says. Raise OSError, and ValueError where it is no such file."""
    what = "a benchmark" if kind is Bench else "a search for the capacity"
    return read_typed(path, kind, f"the results of {what}")


def elsewhere(before: Bench | Capacity, after: Bench | Capacity) -> str:
    """Return a sentence where the first run was on another machine; else ''."""
    there = before.environment
    if there == after.environment:
        return ""
    return f"The first run's figures are from another machine: {there.cpus} processors, {there.platform}."
