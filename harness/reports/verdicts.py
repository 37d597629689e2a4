"""`verdicts.json`: what was decided and why, and nothing that differs between a run and a later `check`.

In format 1 a finding's `suspected_cause` was called `mechanism`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from msgspec import convert, to_builtins

from harness.reports.files import write_atomically
from harness.reports.record import RowResult
from harness.typed import Record
from harness.verdict import EXIT_CODES, Judgement, Verdict

VERDICTS = "verdicts.json"


class RowVerdict(Record, frozen=True):
    """The verdict of one row."""

    id: str
    verdict: Verdict
    reason: str
    judgements: tuple[Judgement, ...]


class Verdicts(Record, frozen=True, tag_field="format", tag=2):
    """The file: the verdict of the run, and of each row in the order of the ids."""

    verdict: Verdict
    exit_code: int
    rows: tuple[RowVerdict, ...]


def render_verdicts(rows: Sequence[RowResult], verdict: Verdict) -> str:
    """Return the file's text."""
    by_id = sorted(rows, key=lambda row: row.id)
    decided = convert(by_id, tuple[RowVerdict, ...], from_attributes=True)
    document = to_builtins(Verdicts(verdict, EXIT_CODES[verdict], decided))
    return json.dumps(document, indent=1) + "\n"


def write_verdicts(rows: Sequence[RowResult], verdict: Verdict, path: Path) -> None:
    """Write the file completely or not at all. Raise OSError."""
    write_atomically(path, render_verdicts(rows, verdict))
