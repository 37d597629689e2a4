"""How long the rest of a run takes, about: from how long its rows took in the last one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean


def durations_s(results: Path) -> dict[str, float]:
    """Return how long each row took in an earlier run, by its `results.json`; {} where that says nothing."""
    try:
        rows = json.loads(results.read_bytes())["rows"]
        return {str(row["id"]): float(row["seconds"]) for row in rows if row["seconds"] > 0}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}  # only an estimate hangs on it


def left_s(
    took_s: Mapping[str, float],
    *,
    running_s: Mapping[str, float],
    waiting: Iterable[str],
    at_once: int,
) -> float | None:
    """Return about how many seconds are left; None if no row's duration is known.

    `took_s` is how long rows took, `running_s` for how long others run already. A row of which nothing is
    known takes as long as the others on average.
    """
    if not took_s:
        return None
    typical_s = fmean(took_s.values())
    left = [max(0.0, took_s.get(row, typical_s) - since_s) for row, since_s in running_s.items()]
    left += [took_s.get(row, typical_s) for row in waiting]
    return max(max(left, default=0.0), sum(left) / at_once)


def said(seconds: float) -> str:
    """Return 'about 40 s left' or 'about 3 min left'; '' if nothing is left."""
    if seconds < 1:
        return ""
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    return f"about {round(seconds / 60)} min left"
