"""Judge the strangers, or those named, and write docs/strangers.md: `python -m strangers [NAME ...]`.

A system that is not installed is left out, with the command that installs it. Exit code 0: what is
installed was judged and written to the table, whatever the verdicts are; 2: unknown names, or nothing is
installed; 3: a run could not begin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.checkers import PROMISES
from strangers.catalogue import STRANGERS, Stranger
from strangers.promising import promised

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "strangers.md"
REPORTS = ROOT / "reports" / "strangers"
BEGIN, END = "<!-- verdicts: begin -->\n", "<!-- verdicts: end -->\n"
COLUMNS = (
    "System",
    "Version",
    "Date",
    "Promised",
    "Kept",
    "Broken",
    "Not shown",
    "Skipped",
    "Rows",
    "Story",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n" + len(COLUMNS) * "|---" + "|\n"
WORST_FIRST = ("fail", "inconclusive", "pass", "skipped")


def main(names: Sequence[str]) -> int:
    """Judge the strangers of these names, and return the exit code."""
    if unknown := [name for name in names if name not in [one.name for one in STRANGERS]]:
        sys.stderr.write(
            f"Unknown: {', '.join(unknown)}. Legal are {', '.join(s.name for s in STRANGERS)}.\n"
        )
        return 2
    chosen = [one for one in STRANGERS if not names or one.name in names]
    return max([_judge(one) for one in chosen if _is_installed(one)], default=2)


def _is_installed(stranger: Stranger) -> bool:
    """Return whether it is; if not, say how it is installed."""
    try:
        stranger.version()
    except (OSError, ImportError, subprocess.CalledProcessError):
        sys.stderr.write(f"Left out: {stranger.name} is not installed. Install it: {stranger.install}\n")
        return False
    return True


def _judge(stranger: Stranger) -> int:
    reports = REPORTS / Path(stranger.profile).with_suffix("")
    only = [word for row in stranger.rows for word in ("--only", row)]
    target = ["--target", f"strangers/{stranger.profile}", "--reports", str(reports)]
    files = [reports / "results.json", reports / "again" / "results.json"]
    for file in files:
        file.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "harness", "run", *target, *only], cwd=ROOT, check=False)
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    if not results:
        return 3
    _write(stranger.name, line_of(stranger, *results))
    return 0


def line_of(stranger: Stranger, results: Mapping[str, Any], again: Mapping[str, Any] | None = None) -> str:
    """Return the line of the table about one run, and the rows that were run again."""
    found = {row["id"]: row for run in (results, again or {"rows": []}) for row in run["rows"]}
    promises = _promises(found.values())
    by_verdict = [
        ", ".join(f"`{name}`" for name, its in promises.items() if its == verdict) or "none"
        for verdict in WORST_FIRST
    ]
    rows = ", ".join(sorted(f"{row['id']} {row['verdict']}" for row in found.values()))
    story = f"[{stranger.story}](../strangers/stories/{stranger.story})" if stranger.story else "none"
    date = results["started_at"][:10]
    made = promised(ROOT / "strangers" / stranger.profile)
    broken, not_shown, kept, skipped = by_verdict
    cells = [stranger.name, stranger.version(), date, made, kept, broken, not_shown, skipped, rows, story]
    return f"| {' | '.join(cells)} |\n"


def _promises(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return the worst verdict on each promise, in the order in which the harness lists promises."""
    found: dict[str, str] = {}
    for judgement in (one for row in rows for one in row["judgements"]):
        known = found.get(judgement["promise"], WORST_FIRST[-1])
        found[judgement["promise"]] = min(known, judgement["verdict"], key=WORST_FIRST.index)
    order = [promise.name for promise in PROMISES]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def lines_in(document: str) -> Mapping[str, str]:
    """Return the lines of the table, by the names of the systems."""
    table = document.partition(BEGIN)[2].partition(END)[0]
    return {row.split(" | ")[0].removeprefix("| "): row for row in table.splitlines(keepends=True)[2:]}


def _write(name: str, line: str) -> None:
    """Put a line into the document, in the place of an older one about the same system."""
    document = DOCUMENT.read_text(encoding="utf-8")
    known = {**lines_in(document), name: line}
    lines = [known[one.name] for one in STRANGERS if one.name in known]
    before, after = document.partition(BEGIN)[0], document.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}{HEAD}{''.join(lines)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
