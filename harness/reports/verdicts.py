"""`verdicts.json`: what was decided and by what, and nothing that differs between a run and a later look."""

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
    """What was decided of one row."""

    id: str
    verdict: Verdict
    reason: str
    judgements: tuple[Judgement, ...]


class Verdicts(Record, frozen=True, tag_field="format", tag=1):
    """The file: the whole verdict, and each row's, by id."""

    verdict: Verdict
    exit_code: int
    rows: tuple[RowVerdict, ...]


def render_verdicts(rows: Sequence[RowResult], verdict: Verdict) -> str:
    """The file's text."""
    by_id = sorted(rows, key=lambda row: row.id)
    decided = convert(by_id, tuple[RowVerdict, ...], from_attributes=True)
    document = to_builtins(Verdicts(verdict, EXIT_CODES[verdict], decided))
    return json.dumps(document, indent=1) + "\n"


def write_verdicts(rows: Sequence[RowResult], verdict: Verdict, path: Path) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    write_atomically(path, render_verdicts(rows, verdict))
