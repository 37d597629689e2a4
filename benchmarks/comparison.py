"""What moved between two runs, beyond their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import Result, Run
from harness.errors import UsageError
from harness.reports.comparison import Move, verdict_of
from harness.reports.figures import move_of, noise_of
from harness.verdict import Verdict


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
    """Return how a figure changed."""
    return Change(before, after, noise_of(before, after), move_of(before, after))


def verdict(changes: Sequence[Change]) -> Verdict:
    """Return fail where a figure is worse, inconclusive where one may be."""
    return verdict_of(one.move for one in changes)


def _is_same(before: Result | None, after: Result) -> bool:
    """Return whether it is the same figure, measured in the same way."""
    return before is not None and (before.unit, before.is_ratio) == (after.unit, after.is_ratio)
