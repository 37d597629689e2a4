"""The trials of a run of the matrix: appended to a file as they end, and shown in a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.table import Table

from tests.mutants.matrix import Trial
from tests.mutants.registry import Mutant

FILE = "trials.jsonl"


def read_trials(file: Path) -> list[Trial]:
    """Return the trials of an earlier run; none without a file. Raise ValueError if it is something else.

    A last line that was cut off is left out.
    """
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    try:
        return [Trial.from_dict(json.loads(line)) for line in lines if line.endswith("\n")]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{file} is not the trials of a run: {error!r}") from error


def latest(trials: Iterable[Trial]) -> list[Trial]:
    """Return the last trial of each mutant with each seed."""
    return list({(trial.mutant, trial.seed): trial for trial in trials}.values())


def write_trials(file: Path, trials: Iterable[Trial]) -> None:
    """Begin a file with these trials."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(map(_line, trials)), encoding="utf-8")


def add_trial(file: Path, trial: Trial) -> None:
    """Write one more trial, as soon as it has ended."""
    with file.open("a", encoding="utf-8") as trials:
        trials.write(_line(trial))


def matrix(mutants: Iterable[Mutant], trials: Sequence[Trial]) -> Table:
    """Return the kill matrix: how often each mutant was caught by its promise, and how it survived."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Mutant", "Row", "Promise", "Caught", "s"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Not caught with seed", "Broke as well"):
        table.add_column(heading, overflow="fold")
    for mutant in sorted(mutants, key=lambda one: (one.mechanism, one.name)):
        if mine := [trial for trial in trials if trial.mutant == mutant.name]:
            table.add_row(mutant.name, mutant.row, mutant.promise, *_cells(mine))
    return table


def _cells(trials: Sequence[Trial]) -> tuple[str, str, str, str]:
    caught = sum(trial.is_caught for trial in trials)
    style = "" if caught == len(trials) else "[red]"
    seconds = sum(trial.seconds for trial in trials) / len(trials)
    missed = _listed((trial for trial in trials if not trial.is_caught), lambda one: f"{one.seed} {one.what}")
    others = dict.fromkeys(promise for trial in trials for promise in trial.broke if promise != trial.promise)
    return f"{style}{caught}/{len(trials)}", f"{seconds:.0f}", missed, ", ".join(others)


def _listed(trials: Iterable[Trial], tell: Callable[[Trial], str]) -> str:
    return ", ".join(tell(trial) for trial in sorted(trials, key=lambda one: one.seed))


def _line(trial: Trial) -> str:
    return json.dumps(trial.as_dict(), ensure_ascii=False) + "\n"
