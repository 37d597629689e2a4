"""What moved between two runs, beyond their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import Result, Run
from harness.errors import UsageError
from harness.reports.comparison import Move, verdict_of
from harness.verdict import Verdict

LEAST_SHARE = 0.05
"""A smaller change of the median is never a move: two runs of the same server differ by as much."""


@dataclass(frozen=True)
class Change:
    """One figure in two runs; `noise` is by how much the median may differ without having moved."""

    before: Result
    after: Result
    noise: float
    move: Move

    @property
    def difference(self) -> float:
        """By how much the median changed."""
        return self.after.value.median - self.before.value.median


def compare(before: Run, after: Run) -> list[Change]:
    """Return the change of each figure that both have, in the order of the later run."""
    earlier = before.by_name()
    return [change(earlier[one.name], one) for one in after.figures if _is_same(earlier.get(one.name), one)]


def require_common(before: Run, names: Sequence[str]) -> None:
    """Raise UsageError where an earlier run has none of these figures."""
    if not set(names) & set(before.by_name()):
        had = ", ".join(before.by_name()) or "none"
        raise UsageError(f"The runs have no figure in common: the earlier one has {had}.")


def change(before: Result, after: Result) -> Change:
    """Return how a figure changed.

    It moved if the notches of the two medians do not touch, and if they differ by more than LEAST_SHARE and
    by more than can be measured.
    """
    old, new = before.value, after.value
    notches = (old.high - old.low + new.high - new.low) / 2
    noise = max(notches, LEAST_SHARE * abs(old.median), before.resolution, after.resolution)
    return Change(before, after, noise, _move(before, after, noise))


def _move(before: Result, after: Result, noise: float) -> Move:
    """Return how a figure moved; unsure where it looks worse, but the machine was busy in one of the runs."""
    difference = after.value.median - before.value.median
    if abs(difference) <= noise:
        return Move.SAME
    if (difference > 0) == after.more_is_better:
        return Move.BETTER
    return Move.UNSURE if before.is_busy or after.is_busy else Move.WORSE


def verdict(changes: Sequence[Change]) -> Verdict:
    """Return fail where a figure is worse, inconclusive where one may be."""
    return verdict_of(one.move for one in changes)


def _is_same(before: Result | None, after: Result) -> bool:
    """Return whether it is the same figure, measured in the same way."""
    return before is not None and (before.unit, before.is_ratio) == (after.unit, after.is_ratio)
