"""Runs of rows against a target, as people start them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.runner.folder import AGAIN

ROOT = Path(__file__).parents[2]
DEADLINE_S = 240

Done = subprocess.CompletedProcess[str]


def run_rows(target: Path, reports: Path, *rows: str) -> tuple[Done, dict[str, dict[str, Any]]]:
    """Return how `harness run` ended, and its results by the row's id; none where it wrote none."""
    only = [word for row in rows for word in ("--only", row)]
    words = [sys.executable, "-m", "harness", "run", *only, "--target", str(target), "--jobs", "2"]
    done = subprocess.run(
        [*words, "--reports", str(reports)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    return done, results_in(reports)


def results_in(reports: Path) -> dict[str, dict[str, Any]]:
    """Return the results by the row's id; of a row that was run again, those of the second try."""
    found: dict[str, dict[str, Any]] = {}
    for folder in (reports, reports / AGAIN):
        results = folder / "results.json"
        rows = json.loads(results.read_text(encoding="utf-8"))["rows"] if results.exists() else []
        found |= {row["id"]: row for row in rows}
    return found
