"""When faults lasted, for promises that are judged only while the system can keep them."""

from __future__ import annotations

import math

from harness.checkers.pressure import under_pressure
from harness.checkers.spans import Span, Spans
from harness.history import NS_PER_S, Effect, FaultWindow, History
from harness.history.memoize import memoize


def recovered_ns(window: FaultWindow, history: History) -> float:
    """Return when the server must have recovered from a fault; infinity if it was never seen healed."""
    if window.healed_ns is None:
        return math.inf
    return window.healed_ns + history.bounds.recovers_within_s * NS_PER_S


@memoize
def fault_windows(history: History) -> Spans:
    """Return the times from each injection until the server must have recovered."""
    return Spans(_faults(history))


@memoize
def unquiet_times(history: History) -> Spans:
    """Return the fault windows and the times of resource pressure: time in them does not count as quiet."""
    return Spans([*_faults(history), *under_pressure(history)])


def _faults(history: History) -> list[Span]:
    return [
        (window.injected_ns, recovered_ns(window, history))
        for window in history.faults
        if Effect.NONE not in window.effects
    ]
