"""The end of a run as the terminal shows it: one table of rows, one of promises, one closing sentence.

Every verdict is a word, so nothing is lost without colour; 80 columns are enough.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from harness.reports.record import PromiseResult, RunRecord
from harness.reports.words import closing, duration, measured
from harness.verdict import Verdict

STYLES = {
    Verdict.PASS: "green",
    Verdict.SKIPPED: "dim",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.FAIL: "bold red",
}


def show_run(run: RunRecord, console: Console) -> None:
    """Print the tables and the closing sentence."""
    console.print()
    if run.rows:
        console.print(_rows(run))
    if run.promises:
        console.print()
        console.print(_promises(run.promises.values()))
    console.print()
    console.print(Text(closing(run), style=STYLES[run.verdict]), soft_wrap=True)
    about = f"{duration(run.seconds)}, seed {run.seed}, target {run.target}."
    console.print(Text(about), soft_wrap=True)


def _rows(run: RunRecord) -> Table:
    table = _table("Id", "Row", "Verdict", "Seconds", "Measured, or why")
    table.columns[0].no_wrap = table.columns[2].no_wrap = table.columns[3].no_wrap = True
    table.columns[3].justify = "right"
    table.columns[1].ratio, table.columns[4].ratio = 2, 4
    for row in run.rows:
        told = measured(row) if row.verdict is Verdict.PASS else row.reason
        table.add_row(row.id, Text(row.title), _word(row.verdict), f"{row.seconds:.1f}", Text(told))
    return table


def _promises(promises: Iterable[PromiseResult]) -> Table:
    table = _table("Promise", "Verdict", "Rows", "Findings")
    table.expand = False
    table.columns[2].justify = table.columns[3].justify = "right"
    for one in promises:
        table.add_row(one.promise, _word(one.verdict), str(one.rows), str(one.findings))
    return table


def _table(*headers: str) -> Table:
    columns = [Column(header, overflow="fold") for header in headers]  # a path must be readable whole
    return Table(*columns, box=None, pad_edge=False, expand=True, padding=(0, 2, 0, 0), header_style="bold")


def _word(verdict: Verdict) -> Text:
    return Text(verdict.value, style=STYLES[verdict])
