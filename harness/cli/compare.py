"""`python -m harness compare`: what got better or worse between two runs."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from harness.cli.console import say
from harness.errors import CannotWrite, UsageError, reason_of
from harness.printable import printable
from harness.reports.comparison import Change, Comparison, compare
from harness.reports.comparison_html import comparison_html
from harness.reports.comparison_pages import as_json, markdown, text_lines
from harness.reports.figures import (
    BENCH,
    CAPACITY,
    Bench,
    Capacity,
    benchmark_changes,
    capacity_changes,
    elsewhere,
    read_figures,
)
from harness.reports.files import write_atomically
from harness.reports.record import RESULTS, results_of
from harness.verdict import EXIT_CODES


def compare_runs(options: Namespace) -> int:
    """Print or write the comparison; return its exit code. Raise UsageError."""
    comparison = _compared(options.before, options.after)
    if options.output is not None:
        _write(comparison, options.format, options.output)
    elif options.format == "text":
        for text, style in text_lines(comparison):
            say(text, style=style)
    else:
        sys.stdout.write(_rendered(comparison, options.format))
    return EXIT_CODES[comparison.verdict]


def _compared(before: Path, after: Path) -> Comparison:
    """Compare what both sides have of a run, a search for the capacity and a benchmark. Raise UsageError."""
    old, new = _files(before), _files(after)
    capacity = _figures(CAPACITY, old, new, Capacity, capacity_changes)
    bench = _figures(BENCH, old, new, Bench, benchmark_changes)
    figures = [*capacity.changes, *bench.changes]
    notes = list(dict.fromkeys([*capacity.notes, *bench.notes]))
    if figures and not (RESULTS in old and RESULTS in new):
        return Comparison(None, None, tuple(figures), notes=tuple(notes))
    runs = results_of(before), results_of(after)
    try:
        return compare(*runs, figures, notes)
    except ValueError as error:
        raise UsageError(f"{before} and {after} cannot be compared: {error}.") from error


def _files(side: Path) -> Mapping[str, Path]:
    """Return the files that can be compared, by their usual names."""
    if side.is_dir():
        return {name: side / name for name in (RESULTS, CAPACITY, BENCH) if (side / name).is_file()}
    return {_usual_name(side): side}


def _usual_name(file: Path) -> str:
    """Return what a file is by what it holds; results where that is unclear: their reader says why."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return RESULTS
    keys = {"figures": BENCH, "capacity_ratio": CAPACITY}
    return next((name for key, name in keys.items() if isinstance(value, dict) and key in value), RESULTS)


class _Compared(NamedTuple):
    changes: list[Change]
    notes: list[str]


T = TypeVar("T", Bench, Capacity)


def _figures(
    name: str,
    old: Mapping[str, Path],
    new: Mapping[str, Path],
    kind: type[T],
    changes: Callable[[T, T], Iterator[Change]],
) -> _Compared:
    """Return the changes of one kind of figures, and what to know of them. Raise UsageError."""
    if name not in old or name not in new:
        sides = [which for which, files in (("first", old), ("second", new)) if name in files]
        return _Compared([], [f"Not compared, as only the {which} run has it: {name}." for which in sides])
    try:
        before: T = read_figures(old[name], kind)
        after: T = read_figures(new[name], kind)
    except (OSError, ValueError) as error:
        raise UsageError(f"The figures cannot be compared: {reason_of(error)}.") from error
    found = [*changes(before, after)]
    if not found:
        return _Compared([], [f"{name} is not compared: the two runs measured nothing in the same way."])
    return _Compared(found, [*filter(None, [elsewhere(before, after)])])


def _write(comparison: Comparison, format_: str, path: Path) -> None:
    try:
        write_atomically(path, _rendered(comparison, format_))
    except OSError as error:
        raise CannotWrite(path, error, remedy="--output FILE puts it elsewhere") from error
    say(f"Comparison: {printable(str(path))}")


def _rendered(comparison: Comparison, format_: str) -> str:
    if format_ == "text":
        return "".join(f"{text}\n" for text, _ in text_lines(comparison))
    return {"markdown": markdown, "html": comparison_html, "json": as_json}[format_](comparison)
