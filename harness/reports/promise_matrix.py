"""The matrix of promises and rows: which promise was judged in which row, and how it ended there."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.reports.record import RowResult, RunRecord
from harness.verdict import Verdict, worst

WIDTH, GAP, LINE = 820, 8, 20
"""The width of all rows if they fit, the space between sections, and the height of a promise."""
NARROWEST, WIDEST = 9, 14


@dataclass(frozen=True)
class Column:
    """A row of the plan: its place, and the verdict of each promise that it judged, by the number of it."""

    row: RowResult
    x: int
    width: int
    cells: tuple[tuple[int, Verdict], ...]


@dataclass(frozen=True)
class Matrix:
    """The columns, and where each section begins; in units of the viewBox."""

    promises: tuple[str, ...]
    columns: tuple[Column, ...]
    sections: tuple[tuple[int, str], ...]
    width: int
    height: int
    line: int = LINE


def promise_matrix(run: RunRecord) -> Matrix | None:
    """Return the matrix of the rows that judged a promise; None if none did."""
    rows = [row for row in run.rows if row.judgements]
    promises = tuple(run.promises)
    if not rows:
        return None
    cell = min(WIDEST, max(NARROWEST, WIDTH // len(rows)))
    columns, sections, x = [], [], 0
    for section, of_section in itertools.groupby(rows, key=lambda row: row.section):
        sections.append((x, section))
        for row in of_section:
            columns.append(Column(row, x, cell, tuple(_cells(row, promises))))
            x += cell
        x += GAP
    return Matrix(promises, tuple(columns), tuple(sections), x - GAP, LINE * len(promises))


def _cells(row: RowResult, promises: Sequence[str]) -> Iterable[tuple[int, Verdict]]:
    for number, promise in enumerate(promises):
        verdicts = [one.verdict for one in row.judgements if one.promise == promise]
        if verdicts:
            yield number, worst(verdicts)
