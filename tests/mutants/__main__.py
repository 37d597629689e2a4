"""`python -m tests.mutants`: runs every mutant, and prints which promise of which row caught it.

Exit codes: 0 every mutant was caught by its promise and the unbroken server failed no row of theirs, else 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.verdict import Verdict
from tests.mutants.catalog import MUTANTS
from tests.mutants.matrix import REFERENCE, Trial, passed, run_rows, try_mutant
from tests.mutants.registry import Mutant

WIDE = 130  # columns: a log has no width of its own, and the matrix should stand one mutant a line
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; give the exit code."""
    options = _parser().parse_args(arguments)
    mutants = _chosen(options)
    rows = sorted({mutant.row for mutant in mutants})
    console.print(f"{len(mutants)} mutants and the unbroken server, {len(rows)} rows, seed {options.seed}\n")
    wrong = list(_unbroken(rows, options))
    with ThreadPoolExecutor(options.jobs) as pool:
        tried = pool.map(lambda one: try_mutant(one, seed=options.seed, reports=options.reports), mutants)
        trials = []
        for trial in tried:
            console.print(f"  {trial.mutant.name:<34} {trial.what:<12} {trial.seconds:6.1f} s")
            trials.append(trial)
    console.print("\n", _matrix(trials))
    wrong += [f"{one.mutant.name}: {one.what}. {one.reason}" for one in trials if not one.is_caught]
    for sentence in wrong:
        console.print(sentence, style="red")
    caught = sum(trial.is_caught for trial in trials)
    console.print(f"\n{caught} of {len(trials)} mutants were caught by the promise they break.")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="mutant", help="these alone (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few of different promises")
    parser.add_argument("--seed", type=int, default=1, help="the source of the rows' random choices")
    parser.add_argument("--jobs", type=int, default=3, help="harnesses to run side by side (default: 3)")
    parser.add_argument(
        "--unbroken", type=Path, help="results.json of the unbroken server: what passed is not run again"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports/mutants"), help="where histories are left"
    )
    return parser


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    unknown = [name for name in options.names if name not in MUTANTS]
    if unknown:
        sys.exit(f"There is no mutant {', '.join(unknown)}; there are {', '.join(MUTANTS)}.")
    named = [mutant for mutant in MUTANTS.values() if not options.names or mutant.name in options.names]
    return [mutant for mutant in named if mutant.quick or not options.quick]


def _unbroken(rows: Sequence[str], options: argparse.Namespace) -> Iterator[str]:
    """What is wrong with the unbroken server in the mutants' rows: where it fails, it catches nobody."""
    results = passed(options.unbroken)
    folder = options.reports / REFERENCE
    for _ in range(2):
        missing = [row for row in rows if row not in results or results[row].verdict is Verdict.INCONCLUSIVE]
        if missing:
            results |= run_rows(
                missing, target=REFERENCE, seed=options.seed, reports=folder, jobs=options.jobs
            )
    for row in rows:
        if row not in results or results[row].verdict is not Verdict.PASS:
            result = f"{results[row].verdict}: {results[row].reason}" if row in results else "no result"
            yield f"The unbroken server in {row}: {result}"


def _matrix(trials: Sequence[Trial]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Mutant", "Row", "Promise", "Caught", "s"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Broke as well", overflow="fold")
    for trial in sorted(trials, key=lambda one: (one.mutant.mechanism, one.mutant.name)):
        others = ", ".join(promise for promise in trial.broke if promise != trial.mutant.promise)
        caught = "yes" if trial.is_caught else "[red]no[/red]"
        mutant = trial.mutant
        table.add_row(mutant.name, mutant.row, mutant.promise, caught, f"{trial.seconds:.0f}", others)
    return table


if __name__ == "__main__":
    sys.exit(main())
