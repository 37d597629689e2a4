"""Judge the strangers, or those named, and write docs/strangers.md: `python -m strangers [NAME ...]`.

Exit code 0: the table was written, whatever the verdicts are; 2: a system is not installed; 3: a run could
not begin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strangers.catalogue import STRANGERS, Stranger

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "strangers.md"
REPORTS = ROOT / "reports" / "strangers"
BEGIN, END = "<!-- verdicts: begin -->\n", "<!-- verdicts: end -->\n"
HEAD = "| System | Version | Date | Kept | Broken | Not shown | Skipped | Rows |\n" + 8 * "|---" + "|\n"
VERDICTS = ("pass", "fail", "inconclusive", "skipped")


def main(names: Sequence[str]) -> int:
    """Judge the strangers of these names, and return the exit code."""
    chosen = [one for one in STRANGERS if not names or one.name in names]
    if unknown := [name for name in names if name not in [one.name for one in STRANGERS]]:
        sys.stderr.write(
            f"Unknown: {', '.join(unknown)}. Legal are {', '.join(s.name for s in STRANGERS)}.\n"
        )
        return 2
    for one in chosen:
        try:
            one.version()
        except (OSError, ImportError, subprocess.CalledProcessError):
            sys.stderr.write(f"{one.name} is not installed. Install it: {' '.join(one.install)}\n")
            return 2
    return max(_judge(one) for one in chosen)


def _judge(stranger: Stranger) -> int:
    reports = REPORTS / Path(stranger.profile).stem
    only = [word for row in stranger.rows for word in ("--only", row)]
    target = ["--target", f"strangers/{stranger.profile}", "--reports", str(reports)]
    results = reports / "results.json"
    results.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "harness", "run", *target, *only], cwd=ROOT, check=False)
    if not results.is_file():
        return 3
    _write(stranger.name, _line(stranger, json.loads(results.read_text(encoding="utf-8"))))
    return 0


def _line(stranger: Stranger, results: Mapping[str, Any]) -> str:
    """Return the line of the table about one run."""
    promises = results["promises"].values()
    by_verdict = {
        verdict: ", ".join(f"`{one['promise']}`" for one in promises if one["verdict"] == verdict) or "none"
        for verdict in VERDICTS
    }
    rows = ", ".join(f"{row['id']} {row['verdict']}" for row in results["rows"])
    date = results["started_at"][:10]
    return f"| {' | '.join([stranger.name, stranger.version(), date, *by_verdict.values(), rows])} |\n"


def _write(name: str, line: str) -> None:
    """Put a line into the document, in the place of an older one about the same system."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {row.split(" | ")[0].removeprefix("| "): row for row in table.splitlines(keepends=True)[2:]}
    known[name] = line
    lines = [known[one.name] for one in STRANGERS if one.name in known]
    DOCUMENT.write_text(f"{before}{BEGIN}{HEAD}{''.join(lines)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
