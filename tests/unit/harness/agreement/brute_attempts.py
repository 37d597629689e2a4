"""private and refuses by brute force: every attempt, and what its answer was allowed to be."""

from __future__ import annotations

from harness.history import Attempt, History

from .definitions import BROKEN, KEPT, UNPROVEN, Allowed, hung_under_pressure, touches_pressure


def refused(history: History) -> Allowed:
    """What must be refused is refused, and no answer contains another user's text."""
    wrong = [attempt for attempt in history.attempts if not _is_right(attempt)]
    if any(not _excused_by_pressure(attempt, history) for attempt in wrong):
        return BROKEN
    return KEPT if history.attempts and not wrong else UNPROVEN


def _is_right(attempt: Attempt) -> bool:
    return attempt.status in attempt.expected and not attempt.leaked


def _excused_by_pressure(attempt: Attempt, history: History) -> bool:
    """Whether pressure explains a 503 or a time-out; it never explains a leak."""
    timed_out = attempt.status is None and attempt.error == "timeout"
    if attempt.leaked:
        return False
    if timed_out:
        return hung_under_pressure(attempt.start_ns, attempt.end_ns, history)
    return attempt.status == 503 and touches_pressure(attempt.start_ns, attempt.end_ns, history)
