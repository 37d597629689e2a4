"""Runs of rows against a target, as people start them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    results = reports / "results.json"
    found = json.loads(results.read_text(encoding="utf-8"))["rows"] if results.exists() else []
    return done, {row["id"]: row for row in found}
