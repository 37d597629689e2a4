"""Playing a schedule: each fault is injected when it is due, and healed when it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from harness.chaos.schedule import FaultSchedule, Outage, Planned
from harness.run import PromiseBroken, Run


def play(run: Run, schedule: FaultSchedule) -> list[str]:
    """Play all of it, and return what was wrong with the queues in Redis after which outage.

    Times are those of the schedule, but to prove that a fault takes effect, and to heal it, may take time:
    then all that follows is later, and no fault and no quiet period is shorter than it has to be. After each
    outage somebody begins anew to read each mailbox.
    """
    wrong = []
    begin_s = time.monotonic()
    for outage in schedule.outages:
        planned_s = outage[0].at_s
        _wait_until(begin_s + planned_s)
        begin_s = max(begin_s, time.monotonic() - planned_s)
        _play_outage(run, outage)
        healed_s = time.monotonic()
        wrong += _wrong_queues(run, outage)
        _wait_until(healed_s + schedule.quiet_s)
    _wait_until(begin_s + schedule.total_s)
    return wrong


def _play_outage(run: Run, outage: Outage) -> None:
    """Every fault has a context of its own, as the first to begin need not be the last to end."""
    begin_s = time.monotonic() - outage[0].at_s
    with ExitStack() as all_faults:
        contexts = {id(fault): all_faults.enter_context(ExitStack()) for fault in outage}
        for at_s, begins, fault in _moments(outage):
            _wait_until(begin_s + at_s)
            if begins:
                due_s = time.monotonic()
                contexts[id(fault)].enter_context(fault.kind.begin(run, fault.parameters))
                begin_s += time.monotonic() - due_s  # or it would not last as long as it is to
            else:
                contexts[id(fault)].close()


def _moments(outage: Sequence[Planned]) -> list[tuple[float, bool, Planned]]:
    """When which fault begins (True) or ends (False), in order."""
    moments = [(fault.at_s, True, fault) for fault in outage]
    moments += [(fault.ends_at_s, False, fault) for fault in outage]
    return sorted(moments, key=lambda moment: (moment[0], not moment[1]))


def _wrong_queues(run: Run, outage: Outage) -> list[str]:
    """What is wrong with the queues when they must be right again; the judging waits until the end."""
    run.read_afresh()  # an entry that is no message may stand until somebody reads it
    try:
        run.wait_for_queues()
    except PromiseBroken as error:
        return [f"after {' and '.join(fault.kind.full_name for fault in outage)}: {error}"]
    return []


def _wait_until(moment_s: float) -> None:
    """The schedule's own rhythm."""
    time.sleep(max(0.0, moment_s - time.monotonic()))
