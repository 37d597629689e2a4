"""The scenario of random chaos: not a row of the test plan, as its schedule comes from the command line."""

from __future__ import annotations

import pytest

from harness.chaos.playing import play
from harness.chaos.schedule import FaultSchedule
from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Run


@pytest.mark.plan("RANDOM-01")
def test_faults_drawn_from_the_seed(run: Run, schedule: FaultSchedule) -> None:
    """All promises are judged over the whole run."""
    _start(run, schedule)
    wrong_queues = play(run, schedule)
    run.recover()
    run.read_all()
    run.measured["faults"] = len(schedule.faults)
    outages = [fault for fault in schedule.faults if not fault.kind.is_harmless]
    run.check(*DELIVERY, on_time, available, bounded, *([recovers] if outages else []))
    run.require_right_queues()
    assert not wrong_queues, "; ".join(wrong_queues)
    assert not run.refusals_without_outcome(), "a send was answered 503 without an outcome"


def _start(run: Run, schedule: FaultSchedule) -> None:
    """Four users send, two of them with retries, to others who poll in different ways; one sends to himself.

    One polls an empty mailbox.
    """
    if schedule.with_clocks:
        run.start_instances(2)
    writing, polling = run.users(4), run.users(5)
    run.read(run.second_browser(polling[0]), limit=5)
    if run.has.held_polls:
        run.read(run.second_browser(polling[1]), wait_s=3)
    run.read(*polling)
    pairs = list(zip(writing, polling, strict=False))
    run.keep_sending(pairs[:2], every_s=0.3, retrying=True)
    run.keep_sending(pairs[2:], every_s=0.3)
    run.keep_sending([(polling[3], polling[3])], every_s=0.6)
    run.wait_for_traffic(sends=10, polls=3)
