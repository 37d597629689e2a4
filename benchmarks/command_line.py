"""`python -m benchmarks`: measure figures, show them, write them, and compare them with an earlier run's.

Exit codes: 0 every bound is kept, and nothing became slower; 1 a bound is missed, or a figure became worse
than in the run it is compared with; 2 wrong usage; 3 inconclusive, such as on a busy machine, or a failure of
what measures; 130 interrupted.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from benchmarks import comparison, results, table
from benchmarks.figures import ELSEWHERE, FIGURES, Figure
from benchmarks.results import Run
from benchmarks.running import run
from benchmarks.servers import REFERENCE
from harness.cli import streams
from harness.cli.command_line import in_order
from harness.cli.console import console, line, say
from harness.errors import UsageError
from harness.interrupts import INTERRUPTS
from harness.verdict import EXIT_CODES, Verdict, worst

REPORTS = Path("reports/latest")
FILE = "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit code."""
    streams.prepare()
    return in_order(lambda: _main(_parser().parse_args(arguments)), called="benchmark")


def _main(options: argparse.Namespace) -> int:
    INTERRUPTS.take()
    figures = _chosen(options.only)
    if len(options.compare) > 2:
        count = len(options.compare)
        raise UsageError(f"--compare takes one file, or two to compare with each other, not {count}.")
    earlier = [results.read(file) for file in options.compare]
    if earlier:
        names = list(earlier[1].by_name()) if earlier[1:] else [figure.name for figure in figures]
        comparison.require_common(earlier[0], names)
    if len(earlier) == 2:
        return EXIT_CODES[_compared(*earlier)]
    measured = _measured(figures, options)
    results.write(measured, options.reports / FILE)
    _show(measured)
    line(f"Results: {options.reports / FILE}")
    if measured.interrupted:
        raise KeyboardInterrupt
    verdicts = [measured.verdict, *(_compared(before, measured) for before in earlier)]
    return EXIT_CODES[worst(verdicts)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="measure this figure; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="measure less, in less than a minute")
    parser.add_argument(
        "--compare",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="show what moved since this bench.json; with a second one, measure nothing and compare the two",
    )
    parser.add_argument(
        "--command",
        type=_words,
        default=REFERENCE,
        metavar="WORDS",
        help="the server to measure (default: the reference)",
    )
    parser.add_argument("--reports", type=Path, default=REPORTS, metavar="FOLDER", help=f"default: {REPORTS}")
    return parser


def _words(text: str) -> list[str]:
    words = [sys.executable if word == "{python}" else word for word in shlex.split(text)]
    if not words:
        raise ValueError
    return words


def _chosen(names: Sequence[str]) -> list[Figure]:
    """Return the figures of these names, or all. Raise UsageError."""
    for name in names:
        if name in ELSEWHERE:
            raise UsageError(f"{name} is measured by another command: {ELSEWHERE[name]}.")
        if name not in FIGURES:
            raise UsageError(f"Unknown figure {name!r}; legal are {', '.join(FIGURES)}.")
    return [figure for name, figure in FIGURES.items() if not names or name in names]


def _measured(figures: Sequence[Figure], options: argparse.Namespace) -> Run:
    logs = options.reports / "logs" / "bench"
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(figures[0].name, total=len(figures))

        def begins(figure: Figure) -> None:
            progress.update(task, description=figure.name)

        def ended(figure: Figure) -> None:
            progress.advance(task)

        return run(
            figures,
            command=options.command,
            logs=logs,
            quick=options.quick,
            say=say,
            begins=begins,
            ended=ended,
        )


def _show(measured: Run) -> None:
    console.print()
    console.print(table.table(measured.figures), soft_wrap=True)
    console.print()
    for note in table.notes(measured):
        say(note)


def _compared(before: Run, after: Run) -> Verdict:
    """Show what moved, and return the verdict on it."""
    changes = comparison.compare(before, after)
    console.print()
    console.print(table.changes(changes), soft_wrap=True)
    for note in table.about_changes(before, after, changes):
        say(note)
    return comparison.verdict(changes)
