"""The end of a run as the terminal shows it: every row, every promise, one closing sentence.

Every verdict is a word, so nothing is lost without colour. 80 columns are enough: what can be long, a reason
or what was measured, has lines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from harness.printable import printable
from harness.reports.paragraphs import paragraph
from harness.reports.record import PromiseResult, RowResult, RunRecord
from harness.reports.words import closing, duration, measured
from harness.verdict import Judgement, Verdict

STYLES = {
    Verdict.PASS: "green",
    Verdict.SKIPPED: "dim",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.FAIL: "bold red",
}
INDENT = 11
LONGEST = 5
"""How many rows are named at the end that took longest."""


class EndedRow(Protocol):
    """A row of which the end is known."""

    @property
    def id(self) -> str:
        """Its id in the plan."""

    @property
    def title(self) -> str:
        """Its title in the plan."""

    @property
    def verdict(self) -> Verdict:
        """How it ended."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def reason(self) -> str:
        """Why it did not pass."""

    @property
    def broken(self) -> tuple[Judgement, ...]:
        """The promises that were found broken, each with a finding."""


def show_run(run: RunRecord, console: Console) -> None:
    """Print the rows, the promises, the closing sentence and what took longest."""
    console.print()
    for row in run.rows:
        console.print(_row(row, console.width), soft_wrap=True)
    if run.promises:
        console.print()
        console.print(_promises(run.promises.values()))
    console.print()
    console.print(last_line(run, console.width), soft_wrap=True)
    about = f"{duration(run.seconds)}, seed {run.seed}, target {run.target}."
    for more in filter(None, [about, _longest(run.rows)]):
        console.print(Text(paragraph(more, console.width)), soft_wrap=True)


def last_line(run: RunRecord, width: int) -> Text:
    """Return what the run means."""
    return Text(paragraph(closing(run), width), style=STYLES[run.verdict])


def _longest(rows: Sequence[RowResult]) -> str:
    """Return which rows took longest, as a sentence; '' for few rows."""
    if len(rows) <= 2 * LONGEST:
        return ""
    longest = sorted(rows, key=lambda row: -row.seconds)[:LONGEST]
    return f"Longest: {', '.join(f'{printable(row.id)} {row.seconds:.0f} s' for row in longest)}."


def headline(row: EndedRow | RowResult, width: int, *, before: str = "") -> Text:
    """Return what is said of every row that has ended, on one line if its title is not too long."""
    line = Text(f"{before}{printable(row.id):<9}  ").append(f"{row.verdict:<12}", style=STYLES[row.verdict])
    line.append(f"  {row.seconds:>6.1f} s  ")
    title = paragraph(row.title, width, first=" " * len(line), indent=len(line))
    return line.append(title[len(line) :])


def _row(row: RowResult, width: int) -> Text:
    """Return the row's line and, below it, why it did not pass or what it measured."""
    lines = headline(row, width)
    passed = row.verdict is Verdict.PASS
    for more in filter(None, [measured(row)] if passed else _reasons(row)):
        about = paragraph(more, width, first=" " * INDENT, indent=INDENT)
        lines.append("\n").append(about, style="dim" if passed else "")
    return lines


def _reasons(row: RowResult) -> list[str]:
    """Return why a row did not pass: what is said of each promise by itself."""
    promises = "|".join(re.escape(one.promise) for one in row.judgements)
    return re.split(rf"; (?=(?:{promises}): )", row.reason) if promises else [row.reason]


def _promises(promises: Iterable[PromiseResult]) -> Table:
    columns = (
        Column("Promise"),
        Column("Verdict"),
        Column("Rows", justify="right"),
        Column("Findings", justify="right"),
    )
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for one in promises:
        verdict = Text(one.verdict.value, style=STYLES[one.verdict])
        table.add_row(Text(one.promise), verdict, str(one.rows), str(one.findings))
    return table
