"""The kill matrix: which promise of which row catches each mutant, in each seed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.reports.record import RowResult, read_results
from harness.verdict import Verdict
from tests.mutants.lane import Request
from tests.mutants.registry import STORY, Mutant

NO_RESULTS = "the run has no results"


class Lane(Protocol):
    """What runs a row; see `lanes`."""

    def run(self, request: Request) -> RowResult | None:
        """Run one row; return None if it has no results."""

    def renew(self) -> None:
        """Start again with new services."""


@dataclass(frozen=True)
class Trial:
    """The result of one mutant in its row, with one seed. `broke` are the promises that were found broken.

    `doubt` is why the first run was inconclusive, if there was a second one. `undecided`: the promise that
    must catch the mutant was inconclusive, even if others were found broken.
    """

    mutant: str
    promise: str
    seed: int
    verdict: Verdict
    seconds: float
    broke: Sequence[str] = field(default_factory=tuple)
    reason: str = ""
    doubt: str = ""
    undecided: bool = False

    @property
    def is_caught(self) -> bool:
        """Whether the promise that must catch it did."""
        return self.promise in self.broke

    @property
    def proved_nothing(self) -> bool:
        """Whether it was neither caught nor survived."""
        return self.undecided or (not self.broke and self.verdict is Verdict.INCONCLUSIVE)

    @property
    def what(self) -> str:
        """The result in a few words."""
        if self.is_caught:
            return "caught"
        if self.broke:
            return f"caught by {', '.join(self.broke)} alone"
        return "survived" if self.verdict is Verdict.PASS else self.verdict.value

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Trial:
        """Return the trial that `as_dict` was asked of. Raises TypeError or ValueError."""
        return cls(**{**fields, "verdict": Verdict(fields["verdict"]), "broke": tuple(fields["broke"])})


def try_mutant(mutant: Mutant, lane: Lane, *, seed: int, reports: Path, keep_all: bool) -> Trial:
    """Run a mutant's row against it. The results stay if they are to be kept, or if it was not caught."""
    reports.mkdir(parents=True, exist_ok=True)
    target = mutant.target(reports)
    request = Request(row=mutant.row, target=str(target), seed=seed, reports=str(reports))
    began = time.monotonic()
    result, doubt = run_row(lane, request, mutant.promise)
    trial = _trial(mutant, seed, result, seconds=round(time.monotonic() - began, 1), doubt=doubt)
    if trial.is_caught and not keep_all:
        shutil.rmtree(reports)
    return trial


def run_row(lane: Lane, request: Request, promise: str = "") -> tuple[RowResult | None, str]:
    """Run a row, and again if the run, or this promise, was inconclusive.

    Return the result, and why it was run again.
    """
    result = lane.run(request)
    doubt = NO_RESULTS if result is None else _doubt(result, promise)
    if result is not None and not doubt:
        if _proved_something(result):
            return result, ""
        doubt = result.reason
    lane.renew()
    return lane.run(request), doubt


def passed(results: Path | None) -> dict[str, RowResult]:
    """Return the rows that passed in an earlier run; none without one."""
    if results is None or not results.exists():
        return {}
    return {row.id: row for row in read_results(results).rows if row.verdict is Verdict.PASS}


def _proved_something(row: RowResult) -> bool:
    return row.verdict is not Verdict.INCONCLUSIVE or bool(_broken_promises(row))


def _doubt(row: RowResult, promise: str) -> str:
    """Return why this promise is inconclusive; '' if it is not, or was not judged."""
    own = [each for each in row.judgements if each.promise == promise]
    if any(each.verdict is Verdict.FAIL for each in own):
        return ""
    return next((each.reason for each in own if each.verdict is Verdict.INCONCLUSIVE), "")


def _trial(mutant: Mutant, seed: int, row: RowResult | None, *, seconds: float, doubt: str) -> Trial:
    about = (mutant.name, mutant.promise, seed)
    if row is None:
        return Trial(*about, Verdict.INCONCLUSIVE, seconds, reason=NO_RESULTS, doubt=doubt)
    broke = _broken_promises(row)
    if row.verdict is Verdict.FAIL and mutant.says and mutant.says in row.reason:
        broke.append(STORY)
    undecided = bool(_doubt(row, mutant.promise))
    return Trial(*about, row.verdict, seconds, tuple(dict.fromkeys(broke)), row.reason, doubt, undecided)


def _broken_promises(row: RowResult) -> list[str]:
    return [each.promise for each in row.judgements if each.verdict is Verdict.FAIL]
