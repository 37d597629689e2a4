"""The scenario of random chaos: not a row of the test plan, as its schedule comes from the command line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.chaos.clusters import CLUSTERS, stores_of
from harness.chaos.playing import play
from harness.chaos.schedule import FaultSchedule
from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.client import Client
from harness.run import Run


@pytest.mark.plan("RANDOM-01")
def test_faults_drawn_from_the_seed(run: Run, schedule: FaultSchedule) -> None:
    """All promises are judged over the whole run."""
    for name in schedule.clusters:
        CLUSTERS[name].start(run)
    has_queues = "redis" not in stores_of(schedule.clusters)
    _start(run, schedule)
    wrong_queues = play(run, schedule, has_queues=has_queues)
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.measured["faults"] = len(schedule.faults)
    outages = [fault for fault in schedule.faults if not fault.kind.is_harmless]
    also = [*([bounded] if has_queues else []), *([recovers] if outages else [])]
    run.check(*DELIVERY, on_time, available, *also)
    if has_queues:
        run.queues.require_right()
    assert not wrong_queues, "; ".join(wrong_queues)
    is_said = not run.wire.send.outcome or not run.seen.refusals_without_outcome()
    assert is_said, "a send was answered 503 without an outcome"


def _start(run: Run, schedule: FaultSchedule) -> None:
    """Start the users of the schedule's traffic, each sender with a reader of its own."""
    if schedule.with_clocks:
        run.instances.start_with_clocks(2)
    traffic = schedule.traffic
    writing, polling = run.users.new(traffic.pairs), run.users.new(traffic.pairs + traffic.varied)
    if traffic.varied:
        _start_other_readers(run, polling)
    run.readers.start(*polling)
    pairs = list(zip(writing, polling, strict=False))
    patient = (len(pairs) + 1) // 2 if traffic.retrying else 0
    for some, retrying in ((pairs[:patient], True), (pairs[patient:], False)):
        if some:
            run.senders.start(some, every_s=0.3, retrying=retrying)
    if traffic.varied:
        run.senders.start([(polling[-2], polling[-2])], every_s=0.6)
    run.wait.for_traffic(sends=10, polls=3)


def _start_other_readers(run: Run, polling: Sequence[Client]) -> None:
    run.readers.start(run.users.second_browser(polling[0]), limit=5)
    if run.has.held_polls:
        run.readers.start(run.users.second_browser(polling[1]), wait_s=3)
