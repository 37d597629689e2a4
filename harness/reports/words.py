"""What is said about a run in words: the closing sentence, and what a row measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.arithmetic import exact_percentile
from harness.reports.run import RowResult, Run
from harness.verdict import Verdict

SHOWN_ROWS = 5
_UNITS = {"s": "s", "ms": "ms", "mb": "MB", "kb": "KB", "bytes": "bytes", "share": ""}


def closing(run: Run) -> str:
    """One or two sentences: what the run means, and the rows to look at."""
    counts = run.counts()
    total = len(run.rows)
    if not total:
        return "Inconclusive: no row was run."
    if run.verdict is Verdict.PASS:
        return f"Pass: {_all(total)} kept every promise."
    troubles = [
        f"{_rows(counts[verdict], total)} {what} ({_ids(run, verdict)})"
        for verdict, what in (
            (Verdict.FAIL, "failed"),
            (Verdict.INCONCLUSIVE, "could not be judged"),
            (Verdict.SKIPPED, "skipped"),
        )
        if counts[verdict]
    ]
    said = "; ".join(troubles) or "the run did not come to its end"
    return f"{run.verdict.value.capitalize()}: {said}."


def duration(seconds: float) -> str:
    """'8.2 s', '2 min 05 s'."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def measured(row: RowResult) -> str:
    """What a row measured, in one line; empty when it measured nothing."""
    told = [f"{name} {value}" for name, value in map(_quantity, row.measured.items())]
    if row.latencies_s and not told:
        told = [delivery(row)]
    return ", ".join(told)


def delivery(row: RowResult) -> str:
    """A row's delivery delays in one line."""
    p50, p95, worst = (exact_percentile(row.latencies_s, q) for q in (50, 95, 100))
    return f"{len(row.latencies_s)} deliveries, p50 {p50:.2f} s, p95 {p95:.2f} s, max {worst:.2f} s"


def plain(value: Any) -> str:
    """Evidence for people: numbers short, nested numbers in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(plain(one) for one in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _quantity(item: tuple[str, Any]) -> tuple[str, str]:
    """('poll_p95_ms', 12.3) is told as 'poll p95' '12.3 ms'."""
    name, value = item
    *words, last = name.split("_")
    if words and last.casefold() in _UNITS:
        return " ".join(words), f"{plain(value)} {_UNITS[last.casefold()]}".rstrip()
    return name.replace("_", " "), plain(value)


def _all(total: int) -> str:
    return "the one row" if total == 1 else f"all {total} rows"


def _rows(count: int, total: int) -> str:
    return f"{count} of {total} rows"


def _ids(run: Run, verdict: Verdict) -> str:
    ids = [row.id for row in run.rows if row.verdict is verdict]
    more = f" and {len(ids) - SHOWN_ROWS} more" if len(ids) > SHOWN_ROWS else ""
    return ", ".join(ids[:SHOWN_ROWS]) + more
