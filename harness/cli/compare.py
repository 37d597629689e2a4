"""`python -m harness compare`: what got better or worse between two runs."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from harness.cli.console import say
from harness.errors import CannotWrite, UsageError, reason_of
from harness.printable import printable
from harness.reports.comparison import Comparison, compare
from harness.reports.comparison_pages import as_json, markdown, text_lines
from harness.reports.files import write_atomically
from harness.reports.record import RunRecord, read_results
from harness.verdict import EXIT_CODES

RESULTS = "results.json"


def compare_runs(options: Namespace) -> int:
    """Print or write the comparison; return its exit code. Raise UsageError."""
    try:
        comparison = compare(_read(options.before), _read(options.after))
    except ValueError as error:
        raise UsageError(f"{options.before} and {options.after} cannot be compared: {error}.") from error
    if options.output is not None:
        _write(comparison, options.format, options.output)
    elif options.format == "text":
        for text, style in text_lines(comparison):
            say(text, style=style)
    else:
        sys.stdout.write(_rendered(comparison, options.format))
    return EXIT_CODES[comparison.verdict]


def _read(path: Path) -> RunRecord:
    file = path / RESULTS if path.is_dir() else path
    try:
        return read_results(file)
    except OSError as error:
        raise UsageError(f"The results {file} cannot be read: {reason_of(error)}.") from error
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def _write(comparison: Comparison, format_: str, path: Path) -> None:
    try:
        write_atomically(path, _rendered(comparison, format_))
    except OSError as error:
        raise CannotWrite(path, error, remedy="--output FILE puts it elsewhere") from error
    say(f"Comparison: {printable(str(path))}")


def _rendered(comparison: Comparison, format_: str) -> str:
    if format_ == "text":
        return "".join(f"{text}\n" for text, _ in text_lines(comparison))
    return markdown(comparison) if format_ == "markdown" else as_json(comparison)
