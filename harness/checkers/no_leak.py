"""no-leak: what a server holds on to does not grow over time (contract: bounded, "memory flat over time").

Judged by slopes and their uncertainty: a leak is told where even the smallest slope that the samples allow is
too steep, flatness where even the largest is not. Between the two the run was too short. A pool that opens
one more connection at a busy moment is a step and no slope, so what may be one is taken off before anything
is called a leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.checkers.telling import at, conclude, finding
from harness.checkers.trend import Trend, trend
from harness.history import NS_PER_S, History
from harness.verdict import Finding, Judgement

PROMISE = "no-leak"


@dataclass(frozen=True)
class Limit:
    """How much may be gained an hour without end, and once."""

    per_hour: float
    step: float

    def at_least(self, slope: Trend) -> float:
        """What surely grows without end, by the hour."""
        return slope.low - self.step / slope.hours


LIMITS: Mapping[str, Limit] = {
    "server_memory_mb": Limit(8.0, step=4.0),
    "redis_data_mb": Limit(1.0, step=0.5),
    "mongodb_connections": Limit(2.0, step=4.0),
    "server_files": Limit(2.0, step=4.0),
}
"""What nobody minds: a server that is started anew each week gains a gigabyte at most."""


def no_leak(history: History) -> Judgement:
    """Judge over the `vitals` of one history, all of which but the warm-up count."""
    findings: list[Finding] = []
    doubts: list[str] = []
    evidence: dict[str, object] = {"looks": len(history.vitals)}
    for name, limit in LIMITS.items():
        seen = [
            (look["t"] / NS_PER_S, look["values"][name]) for look in history.vitals if name in look["values"]
        ]
        slope = trend(seen)
        if slope is None:
            doubts.append(f"{name} was looked at {len(seen)} times: too few to tell a trend")
            continue
        evidence[name] = _told(slope)
        if limit.at_least(slope) > limit.per_hour:
            findings.append(_grows(history, name, slope, limit))
        elif slope.high > limit.per_hour:
            doubts.append(
                f"{name} grows by {slope.low:+.2f} to {slope.high:+.2f} an hour, and {limit.per_hour:g} are "
                "allowed: the run was too short to tell"
            )
    return conclude(history, PROMISE, findings, evidence, doubt="; ".join(doubts))


def _told(slope: Trend) -> dict[str, float]:
    return {
        "level": round(slope.level, 3),
        "per_hour": round(slope.per_hour, 3),
        "at_least": round(slope.low, 3),
        "at_most": round(slope.high, 3),
    }


def _grows(history: History, name: str, slope: Trend, limit: Limit) -> Finding:
    first, last = history.vitals[0], history.vitals[-1]
    sentence = (
        f"{name} grew from {first['values'][name]:.1f} at {at(history, first['t'])} to "
        f"{last['values'][name]:.1f} at {at(history, last['t'])}: by {limit.at_least(slope):.2f} an hour "
        f"at least, and {limit.per_hour:g} are allowed."
    )
    return finding(PROMISE, "grows", sentence, (first, last))
