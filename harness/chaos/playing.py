"""Playing a schedule: each fault is injected when it is due, and healed when it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from harness.chaos.schedule import FaultSchedule, Outage, Planned
from harness.run import PromiseBroken, Run


def play(run: Run, schedule: FaultSchedule, *, has_queues: bool = True) -> list[str]:
    """Play the whole schedule, and return what was wrong with the queues in Redis after which outage.

    Without `has_queues` they are not looked at: only those of a single Redis can be.

    Proving that a fault takes effect, and healing it, takes time that the schedule does not have; all that
    follows is then later, so that no fault and no quiet period is shorter than it must be. After each outage
    a new consumer begins to read each mailbox.
    """
    wrong = []
    begin_s = time.monotonic()
    for outage in schedule.outages:
        planned_s = outage[0].at_s
        _wait_until(begin_s + planned_s)
        begin_s = max(begin_s, time.monotonic() - planned_s)
        _play_outage(run, outage)
        healed_s = time.monotonic()
        run.mailboxes.read_afresh()  # a bad entry may stay until the mailbox is read
        if has_queues:
            wrong += _wrong_queues(run, outage)
        _wait_until(healed_s + schedule.quiet_s)
    _wait_until(begin_s + schedule.total_s)
    return wrong


def _play_outage(run: Run, outage: Outage) -> None:
    """Play one outage; each fault has its own context, as the first to begin need not be the last to end."""
    begin_s = time.monotonic() - outage[0].at_s
    with ExitStack() as all_faults:
        contexts = {id(fault): all_faults.enter_context(ExitStack()) for fault in outage}
        for at_s, begins, fault in _moments(outage):
            _wait_until(begin_s + at_s)
            if begins:
                due_s = time.monotonic()
                contexts[id(fault)].enter_context(fault.kind.begin(run, fault.parameters))
                begin_s += time.monotonic() - due_s  # or it would not last long enough
            else:
                contexts[id(fault)].close()


def _moments(outage: Sequence[Planned]) -> list[tuple[float, bool, Planned]]:
    """Return when which fault begins (True) or ends (False), in order."""
    moments = [(fault.at_s, True, fault) for fault in outage]
    moments += [(fault.ends_at_s, False, fault) for fault in outage]
    return sorted(moments, key=lambda moment: (moment[0], not moment[1]))


def _wrong_queues(run: Run, outage: Outage) -> list[str]:
    """Return what is wrong with the queues when they must be right again; the run goes on."""
    try:
        run.queues.wait_until_right()
    except PromiseBroken as error:
        return [f"after {' and '.join(fault.kind.full_name for fault in outage)}: {error}"]
    return []


def _wait_until(moment_s: float) -> None:
    """Sleep until a time of the schedule."""
    time.sleep(max(0.0, moment_s - time.monotonic()))
