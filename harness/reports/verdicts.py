"""`verdicts.json`: what was decided and by what, and nothing that differs between a run and a later look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.reports.files import write_atomically
from harness.reports.run import RowResult
from harness.verdict import EXIT_CODES, Verdict

FORMAT = 1
VERDICTS = "verdicts.json"


def render_verdicts(rows: Sequence[RowResult], verdict: Verdict) -> str:
    """The file's text: the whole verdict, and of each row its own, the reason, and its judgements."""
    document = {
        "format": FORMAT,
        "verdict": verdict,
        "exit_code": EXIT_CODES[verdict],
        "rows": [
            {
                "id": row.id,
                "verdict": row.verdict,
                "reason": row.reason,
                "judgements": [judgement.as_dict() for judgement in row.judgements],
            }
            for row in sorted(rows, key=lambda row: row.id)
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def write_verdicts(rows: Sequence[RowResult], verdict: Verdict, path: Path) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    write_atomically(path, render_verdicts(rows, verdict))
