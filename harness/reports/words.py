"""A run in words: the closing sentence, and what a row measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.arithmetic import exact_percentile
from harness.reports.record import RowResult, RunRecord
from harness.verdict import Verdict

SHOWN_ROWS = 5
INTERRUPTED = "interrupted"
"""The reason of a row that an interrupt cut off."""
_UNITS = {"s": "s", "ms": "ms", "mb": "MB", "kb": "KB", "bytes": "bytes", "share": ""}


def closing(run: RunRecord) -> str:
    """Return what the run means, and which rows to look at."""
    counts = run.counts()
    total = len(run.rows)
    ended = "Interrupted" if run.interrupted else run.verdict.value.capitalize()
    if not total:
        return f"{'Interrupted' if run.interrupted else 'Inconclusive'}: no row was run."
    if run.verdict is Verdict.PASS:
        return f"Pass: {_all(total)} kept every promise."
    troubles = [
        f"{counts[verdict]} {what} ({_ids(run, verdict)})"
        for verdict, what in (
            (Verdict.FAIL, "failed"),
            (Verdict.INCONCLUSIVE, "could not be judged"),
            (Verdict.SKIPPED, "skipped"),
        )
        if counts[verdict]
    ]
    of_all = f"of {total} rows, " if total > 1 else "of 1 row, "
    if any(row.reason == INTERRUPTED for row in run.rows):
        of_all = f"the run was interrupted; {of_all}"
    said = of_all + ", ".join(troubles) if troubles else "the run did not finish"
    return f"{ended}: {said}."


def duration(seconds: float) -> str:
    """Return '8.2 s' or '2 min 05 s'."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def measured(row: RowResult) -> str:
    """Return what a row measured, on one line; empty when it measured nothing."""
    parts = [f"{name} {value}" for name, value in quantities(row.measured)]
    if row.latencies_s and not parts:
        parts = [delivery_numbers(row)]
    return ", ".join(parts)


def delivery_numbers(row: RowResult) -> str:
    """Return a row's delivery delays in one short line."""
    ordered = sorted(row.latencies_s)
    p50, p95, longest = (exact_percentile(ordered, q) for q in (50, 95, 100))
    count = "1 delivery" if len(ordered) == 1 else f"{len(ordered)} deliveries"
    return f"{count}: p50 {p50:.2f} s, p95 {p95:.2f} s, max {longest:.2f} s"


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plain(value: Any) -> str:
    """Return a value as people read it: short numbers, nested values on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(plain(one) for one in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def quantities(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values as people read them: 'poll p95' and '12.3 ms' for `poll_p95_ms` 12.3."""
    return [_quantity(name, value) for name, value in values.items()]


def _quantity(name: str, value: Any) -> tuple[str, str]:
    *words, last = name.split("_")
    if words and last.casefold() in _UNITS:
        unit = "" if value is None else _UNITS[last.casefold()]
        return " ".join(words), f"{plain(value)} {unit}".rstrip()
    return name.replace("_", " "), plain(value)


def _all(total: int) -> str:
    return {1: "the one row", 2: "both rows"}.get(total, f"all {total} rows")


def _ids(run: RunRecord, verdict: Verdict) -> str:
    ids = [row.id for row in run.rows if row.verdict is verdict]
    more = f" and {len(ids) - SHOWN_ROWS} more" if len(ids) > SHOWN_ROWS else ""
    return ", ".join(ids[:SHOWN_ROWS]) + more
