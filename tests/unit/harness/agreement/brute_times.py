"""on-time and recovers by brute force, as far as possible without the arithmetic of how many may be late."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history import NS_PER_S, FaultWindow, History

from .definitions import BROKEN, CANNOT_TELL, UNPROVEN, Allowed, ambiguous, hidden, is_torn
from .waiting import NEVER, Wait, due_ns, excused, in_fault_window, is_judged, punctuality, touch, waits

ENOUGH_DELIVERIES = 5


def on_time(history: History) -> Allowed:
    """Delivered within the bound of the ack."""
    if ambiguous(history) or is_torn(history):
        return CANNOT_TELL
    judged = [wait for wait in waits(history) if is_judged(wait, history)]
    return punctuality(judged, history) if judged else UNPROVEN


@dataclass(frozen=True)
class _QuietPeriod:
    """The time from the end of an outage until the next one began."""

    after: list[FaultWindow]
    begin_ns: float
    until_ns: float

    @property
    def says_something(self) -> bool:
        """Whether all of the outage's faults were proven to take effect."""
        return all(fault.active_ns is not None for fault in self.after)

    def has(self, wait: Wait) -> bool:
        return self.begin_ns < wait.since_ns < self.until_ns


def recovers(history: History) -> Allowed:
    """After each outage deliveries are on time again, and what was acked in it arrives."""
    quiet_periods = _quiet_periods(history)
    if not quiet_periods:
        return UNPROVEN
    if ambiguous(history) or is_torn(history):
        return CANNOT_TELL
    everything = waits(history)
    judged = [wait for wait in everything if is_judged(wait, history)]
    telling = [period for period in quiet_periods if period.says_something]
    opinions = [punctuality([wait for wait in judged if period.has(wait)], history) for period in telling]
    overdue = [(wait, period) for period in telling for wait in everything if _overdue(wait, period, history)]
    if BROKEN in opinions or any(not _under_pressure(wait, period, history) for wait, period in overdue):
        return BROKEN
    if CANNOT_TELL in opinions:
        return CANNOT_TELL
    last = quiet_periods[-1]
    live = [wait for wait in judged if last.has(wait) and wait.is_live]
    if telling != quiet_periods or last.begin_ns == NEVER or len(live) < ENOUGH_DELIVERIES:
        return UNPROVEN
    return UNPROVEN if any(period is last for _, period in overdue) else opinions[-1]


def _quiet_periods(history: History) -> list[_QuietPeriod]:
    """What follows each outage: faults that overlap or follow before the recovery was due are one."""
    outages: list[list[FaultWindow]] = []
    for fault in sorted(history.faults, key=lambda fault: fault.injected_ns):
        if fault.store in ("clock", "signal"):
            continue
        if outages and fault.injected_ns <= _over_ns(outages[-1], history):
            outages[-1].append(fault)
        else:
            outages.append([fault])
    begins = [outage[0].injected_ns for outage in outages]
    return [
        _QuietPeriod(outage, _over_ns(outage, history), until_ns)
        for outage, until_ns in zip(outages, [*begins, NEVER][1:], strict=True)
    ]


def _over_ns(outage: list[FaultWindow], history: History) -> float:
    """When the server must have recovered from all of its faults."""
    healed = [NEVER if fault.healed_ns is None else fault.healed_ns for fault in outage]
    return max(healed) + round(history.bounds.recovers_within_s * NS_PER_S)


def _asked(wait: Wait, period: _QuietPeriod, history: History) -> list[int]:
    """When the consumer polled once the quiet period had begun and what a lost answer had read was visible.

    Without polls that ended at a page's end.
    """
    begin_ns = period.begin_ns
    for start, end in sorted(hidden(wait.consumer, history)):
        begin_ns = end if start <= begin_ns <= end else begin_ns
    return [poll.start_ns for poll in wait.consumer if poll.start_ns >= begin_ns and not poll.has_more]


def _overdue(wait: Wait, period: _QuietPeriod, history: History) -> bool:
    """Whether a message delayed by an outage came too late after the quiet period's first poll, or never."""
    asked = _asked(wait, period, history)
    if asked and touch(hidden(wait.consumer, history), asked[0], asked[0]):
        return False
    if not asked or wait.since_ns > period.begin_ns or not in_fault_window(wait, history):
        return False
    had_to_be_there_ns = asked[0] + due_ns(history)
    if had_to_be_there_ns >= period.until_ns:
        return False
    if wait.place is None:
        return asked[-1] > had_to_be_there_ns
    return wait.came_ns - wait.lateness_ns > had_to_be_there_ns


def _under_pressure(wait: Wait, period: _QuietPeriod, history: History) -> bool:
    """Whether the machine was too busy before it had to be there."""
    return excused(period.begin_ns, _asked(wait, period, history)[0] + due_ns(history), history)
