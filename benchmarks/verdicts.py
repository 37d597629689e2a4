"""Whether a figure keeps its bound: it is failed only where the measurement allows no other reading."""

from __future__ import annotations

from benchmarks.machine import Busyness
from benchmarks.statistics import Summary
from harness.verdict import Verdict


def verdict(value: Summary, bound: float, busyness: Busyness, *, more_is_better: bool) -> tuple[Verdict, str]:
    """Return the verdict, and the reason where it is not a pass.

    A bound is kept if the median keeps it. Where the median misses it, the verdict is inconclusive if the
    machine was busy, or if the notch reaches the bound: another run could keep it.
    """
    sign = -1 if more_is_better else 1
    if sign * value.median <= sign * bound:
        return Verdict.PASS, ""
    if busyness.is_busy:
        return Verdict.INCONCLUSIVE, busyness.sentence()
    best = value.high if more_is_better else value.low
    if sign * best <= sign * bound:
        return Verdict.INCONCLUSIVE, f"the rounds differ too much: the median may be {best:.3g}"
    needed = "at least" if more_is_better else "at most"
    return Verdict.FAIL, f"the median is {value.median:.3g}, not {needed} {bound:g}"
