"""`summary.md`: a run as Markdown, such as the job summary of a CI; and the escapes that Markdown needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.printable import printable
from harness.reports.files import write_atomically
from harness.reports.record import RowResult, RunRecord
from harness.reports.words import closing, duration, measured
from harness.verdict import Verdict

SUMMARY = "summary.md"
MARKS = {
    Verdict.PASS: "✅",
    Verdict.SKIPPED: "⚪",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.FAIL: "❌",
}
SHOWN_FINDINGS = 20
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$@])")


def cell(text: str) -> str:
    """Return a text for a cell of a table: on one line, and none of it is Markdown, HTML or a mention."""
    return _SPECIAL.sub(r"\\\1", printable(" ".join(text.split())))


def render_summary(run: RunRecord) -> str:
    """Return what the run means: the verdict, what broke, the promises, and every row in a fold."""
    lines = [
        f"## {MARKS[run.verdict]} {cell(closing(run))}",
        "",
        f"Target {cell(run.target)} · seed {run.seed} · {duration(run.seconds)}",
        "",
        *_troubles(run),
        *_promises(run),
        *_rows(run),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _troubles(run: RunRecord) -> Iterator[str]:
    """Yield why the rows did not pass that did not; of a failed one its findings."""
    bad = [row for row in run.rows if row.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
    said = [f"- **{cell(row.id)}** {cell(row.title)}: {cell(why)}" for row in bad for why in _why(row)]
    yield from said[:SHOWN_FINDINGS]
    if len(said) > SHOWN_FINDINGS:
        yield f"- and {len(said) - SHOWN_FINDINGS} more"
    if said:
        yield ""


def _why(row: RowResult) -> list[str]:
    return [f"{one.promise}: {one.sentence}" for one in row.findings] or [row.reason or "no reason is known"]


def _promises(run: RunRecord) -> Iterator[str]:
    if not run.promises:
        return
    yield from ("| Promise | Verdict | Rows | Findings |", "|---|---|---:|---:|")
    for one in run.promises.values():
        verdict = f"{MARKS[one.verdict]} {one.verdict}"
        yield f"| {cell(one.promise)} | {verdict} | {one.rows} | {one.findings} |"
    yield ""


def _rows(run: RunRecord) -> Iterator[str]:
    if not run.rows:
        return
    yield from (f"<details><summary>{len(run.rows)} rows</summary>", "")
    yield from ("| Row | | Verdict | Seconds | Measured |", "|---|---|---|---:|---|")
    for row in run.rows:
        verdict = f"{MARKS[row.verdict]} {row.verdict}"
        yield (
            f"| {cell(row.id)} | {cell(row.title)} | {verdict} | {row.seconds:.1f} | {cell(measured(row))} |"
        )
    yield from ("", "</details>")


def write_summary(run: RunRecord, path: Path) -> None:
    """Write the summary completely or not at all. Raise OSError."""
    write_atomically(path, render_summary(run))
