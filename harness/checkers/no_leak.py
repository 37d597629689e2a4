"""no-leak: the memory, connections and files of a server do not grow over time (contract: bounded).

Judged by the slope of each measure and its 95 % confidence interval. It is a leak if even the lower bound is
too steep, and none if even the upper bound is not; in between the run was too short. A pool that opens one
more connection at a busy moment is a step, not a slope: one step is allowed before growth counts as a leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.checkers.findings import at, conclude, finding
from harness.checkers.trend import Trend, trend
from harness.history import NS_PER_S, History
from harness.verdict import Finding, Judgement

PROMISE = "no-leak"


@dataclass(frozen=True)
class Limit:
    """How much growth is allowed by the hour, and once."""

    per_hour: float
    step: float

    def at_least(self, slope: Trend) -> float:
        """Return the least growth by the hour that one step does not explain."""
        return slope.low - self.step / slope.hours


LIMITS: Mapping[str, Limit] = {
    "server_memory_mb": Limit(8.0, step=4.0),
    "redis_data_mb": Limit(1.0, step=0.5),
    "mongodb_connections": Limit(2.0, step=4.0),
    "server_files": Limit(2.0, step=4.0),
}
"""Growth that is harmless: a server that is restarted each week gains a gigabyte at most."""


def no_leak(history: History) -> Judgement:
    """Judge the promise by the `vitals` of one history, without its warm-up."""
    findings: list[Finding] = []
    doubts: list[str] = []
    evidence: dict[str, object] = {"looks": len(history.vitals)}
    for name, limit in LIMITS.items():
        seen = [
            (look["t"] / NS_PER_S, look["values"][name]) for look in history.vitals if name in look["values"]
        ]
        slope = trend(seen)
        if slope is None:
            doubts.append(f"{name} was measured {len(seen)} times: too few to see a trend")
            continue
        evidence[name] = _rounded(slope)
        if limit.at_least(slope) > limit.per_hour:
            findings.append(_grows(history, name, slope, limit))
        elif slope.high > limit.per_hour:
            doubts.append(
                f"{name} grows by {slope.low:+.2f} to {slope.high:+.2f} per hour, and {limit.per_hour:g} is "
                "allowed: the run was too short to decide"
            )
    return conclude(history, PROMISE, findings, evidence, doubt="; ".join(doubts))


def _rounded(slope: Trend) -> dict[str, float]:
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
        f"{last['values'][name]:.1f} at {at(history, last['t'])}: by at least "
        f"{limit.at_least(slope):.2f} per hour, and {limit.per_hour:g} is allowed."
    )
    return finding(PROMISE, "grows", sentence, (first, last))
