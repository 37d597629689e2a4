"""Chaos, the server: workers or all of it killed, and stopped under load. Clients retry."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers, stops_cleanly
from harness.run import Run
from harness.verdict import Checker

ALL = (*DELIVERY, on_time, available, recovers, bounded)
HELD_S = (5, 7, 9)
"""Of users who get no message: whenever the signal comes, some poll has been held for two seconds."""


@pytest.mark.plan("CHAOS-25")
def test_one_worker_is_killed(run: Run) -> None:
    """The others go on, and clients retry what the dead one had begun."""
    _start(run)
    with run.faults.worker_killed():
        run.wait.for_traffic(sends=30, polls=4)
    _end(run)


@pytest.mark.plan("CHAOS-26")
def test_all_workers_are_killed(run: Run) -> None:
    """All at once: what they had in memory is lost."""
    _start(run)
    with run.faults.workers_killed():
        run.wait.for_traffic(sends=30, polls=4)
    _end(run)


@pytest.mark.plan("CHAOS-27")
def test_the_whole_server_is_killed_and_started_again(run: Run) -> None:
    """The server ends without warning; the stores go on."""
    _start(run)
    with run.faults.server_killed():
        run.wait.for_traffic(sends=8, polls=4)
    _end(run)


@pytest.mark.plan("CHAOS-28", long=True)
def test_the_server_is_stopped_under_load(run: Run) -> None:
    """It answers the requests it has accepted, held polls too, and refuses later ones at once."""
    run.traffic.start(pairs=12, every_s=0.1, retrying=True)
    for held_s in HELD_S:
        run.readers.start(run.users.new_one(), wait_s=held_s)
    run.wait.for_traffic(sends=30, polls=3)
    with run.faults.mongodb_slow(latency_ms=120):  # so that many sends are under way at any moment
        run.wait.for_traffic(sends=30, polls=18)
        with run.faults.server_stopped():
            run.wait.for_traffic(sends=8, polls=4)
    _end(run, stops_cleanly)


def _start(run: Run) -> None:
    run.traffic.start(every_s=0.1, retrying=True)
    run.wait.for_traffic(sends=30, polls=3)


def _end(run: Run, *more: Checker) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL, *more)
    run.queues.require_right()
