"""The results of a run as `bench.json` keeps them; docs/speed.md documents the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.machine import Busyness, Environment
from benchmarks.statistics import Summary
from harness.errors import CannotWrite, UsageError, reason_of
from harness.typed import Misfit, Record, typed
from harness.verdict import Verdict, worst

FORMAT = 1
REMEDY = "--reports FOLDER puts it elsewhere"


class Result(Record, frozen=True):
    """One figure: `subject` and `floor` are medians in `unit`; `value` is of their ratios if `is_ratio`."""

    name: str
    what: str
    value: Summary
    unit: str
    is_ratio: bool
    more_is_better: bool
    subject: float
    floor: float
    floor_is: str
    bound: float
    resolution: float
    """The smallest difference of `value` that can be measured; 0 if the spread says it all."""
    verdict: Verdict
    reason: str
    busyness: Busyness
    beside: Mapping[str, float]
    """Medians of what was measured at the same time, such as the wall time of a request in microseconds."""
    seconds: float

    @property
    def is_busy(self) -> bool:
        """Whether other programs used the machine meanwhile."""
        return self.busyness.is_busy


class Run(Record, frozen=True):
    """One run of the benchmark."""

    started_at: str
    seconds: float
    quick: bool
    busy: bool
    """Whether other programs used the machine while any of the figures was measured."""
    verdict: Verdict
    environment: Environment
    figures: tuple[Result, ...]
    not_measured: Mapping[str, str] = {}
    """Figures that could not be measured, each with a sentence why."""
    interrupted: bool = False
    """Whether the run was interrupted before all was measured."""
    format: int = FORMAT

    def by_name(self) -> Mapping[str, Result]:
        """Return the figures by their names."""
        return {figure.name: figure for figure in self.figures}


def verdict_of(figures: Sequence[Result], not_measured: Mapping[str, str]) -> Verdict:
    """Return the worst verdict; a figure that could not be measured is inconclusive."""
    verdicts = [figure.verdict for figure in figures]
    return worst([*verdicts, Verdict.INCONCLUSIVE] if not_measured else verdicts)


def write(run: Run, path: Path) -> None:
    """Write a run's results. Raise CannotWrite."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(msgspec.to_builtins(run), indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error


def read(path: Path) -> Run:
    """Return the results in a file. Raise UsageError for anything else, with what is wrong and where."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The results {path} cannot be read: {reason_of(error)}.") from error
    try:
        return _run_of(msgspec.json.decode(text))
    except (ValueError, msgspec.DecodeError) as error:
        raise UsageError(f"{path} has no results that can be compared: {_said(error)}.") from error


def _run_of(value: Any) -> Run:
    if not isinstance(value, dict) or "figures" not in value or "format" not in value:
        raise ValueError("it is not a bench.json")
    if value["format"] != FORMAT:
        raise ValueError(f"its format is {value['format']!r}, not {FORMAT}; measure again with this version")
    run = typed(value, Run)
    if len(run.by_name()) < len(run.figures):
        raise ValueError(
            f"it has two figures of one name, among {', '.join(one.name for one in run.figures)}"
        )
    return run


def _said(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, Misfit) else text[:1].lower() + text[1:].removesuffix(".")
