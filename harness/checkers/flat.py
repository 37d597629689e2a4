"""flat: what a server holds on to does not grow over time (contract: bounded, "memory flat over time").

Judged by slopes and their uncertainty: a leak is told where even the smallest slope that the samples allow is
too steep, flatness where even the largest is not. Between the two the run was too short.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.checkers.telling import at, conclude, finding
from harness.history import NS_PER_S, History
from harness.trend import Trend, trend
from harness.verdict import Finding, Judgement

PROMISE = "flat"
ALLOWED_PER_HOUR: Mapping[str, float] = {
    "server_memory_mb": 8.0,
    "redis_data_mb": 1.0,
    "mongodb_connections": 2.0,
    "server_files": 2.0,
}
"""Growth an hour that nobody minds: a server that is started anew each week gains a gigabyte at most."""


def flat(history: History) -> Judgement:
    """Judge over the `vitals` of one history, all of which but the warm-up count."""
    findings: list[Finding] = []
    doubts: list[str] = []
    evidence: dict[str, object] = {"looks": len(history.vitals)}
    for name, allowed in ALLOWED_PER_HOUR.items():
        seen = [
            (look["t"] / NS_PER_S, look["values"][name]) for look in history.vitals if name in look["values"]
        ]
        slope = trend(seen)
        if slope is None:
            doubts.append(f"{name} was looked at {len(seen)} times: too few to tell a trend")
            continue
        evidence[name] = _told(slope)
        if slope.low > allowed:
            findings.append(_grows(history, name, slope, allowed))
        elif slope.high > allowed:
            doubts.append(
                f"{name} grows by {slope.low:+.2f} to {slope.high:+.2f} an hour, and {allowed:g} are "
                "allowed: the run was too short to tell"
            )
    return conclude(PROMISE, findings, evidence, doubt="; ".join(doubts))


def _told(slope: Trend) -> dict[str, float]:
    return {
        "level": round(slope.level, 3),
        "per_hour": round(slope.per_hour, 3),
        "at_least": round(slope.low, 3),
        "at_most": round(slope.high, 3),
    }


def _grows(history: History, name: str, slope: Trend, allowed: float) -> Finding:
    first, last = history.vitals[0], history.vitals[-1]
    sentence = (
        f"{name} grew from {first['values'][name]:.1f} at {at(history, first['t'])} to "
        f"{last['values'][name]:.1f} at {at(history, last['t'])}: by {slope.low:.2f} an hour at least, and "
        f"{allowed:g} are allowed."
    )
    return finding(PROMISE, "grows", sentence, (first, last))
