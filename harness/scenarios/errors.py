"""Errors: a store is gone, at the start or under traffic."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Inconclusive, Run
from harness.run.recorded import longest_gap_s

ALL = (*DELIVERY, on_time, available, recovers, bounded)


@pytest.mark.plan("ERR-01")
def test_redis_is_down_when_the_server_starts(run: Run) -> None:
    """The server starts without Redis, serves, and uses Redis once it is there."""
    with run.faults.redis_refused():
        run.traffic.start()
        run.wait.for_traffic(sends=40, polls=12)
    _recover_and_judge(run)


@pytest.mark.plan("ERR-02")
def test_redis_stops_while_users_are_sending(run: Run) -> None:
    """Refused connections: the quick failure."""
    _fail_under_traffic(run, run.faults.redis_refused())


@pytest.mark.plan("ERR-03", long=True)
def test_redis_goes_silent_while_users_are_sending(run: Run) -> None:
    """Connections stay open and nothing answers: the slow failure."""
    _fail_under_traffic(run, run.faults.redis_black_holed())


@pytest.mark.plan("ERR-04", long=True)
def test_mongodb_stops_while_users_are_sending(run: Run) -> None:
    """Sends are refused, polls go on, and what was refused never arrives."""
    _fail_under_traffic(run, run.faults.mongodb_refused())


@pytest.mark.plan("ERR-05", long=True)
def test_clients_keep_trying_while_the_server_is_down(run: Run) -> None:
    """Each client polls once an interval until the server is back, neither less nor more often."""
    run.traffic.start(retrying=True)
    run.wait.for_traffic(sends=10, polls=4)
    with run.faults.server_killed():
        run.wait.for_traffic(sends=0, polls=2 * len(run.readers.usernames()))
        longest_s = longest_gap_s(run.recorder.history())
    run.measured["longest_between_polls_s"] = round(longest_s, 3)
    if longest_s > run.bounds.poll_interval_s + run.bounds.answers_within_s:
        raise Inconclusive(f"a client of the harness did not poll for {longest_s:.1f} s")
    _recover_and_judge(run)


def _fail_under_traffic(run: Run, outage: AbstractContextManager[object]) -> None:
    alice, bob = run.users.new(2)
    run.readers.start(bob)
    run.messages.send_acked(alice, bob)
    run.traffic.start()
    run.wait.for_traffic(sends=20, polls=4)
    with outage:
        run.wait.for_traffic(sends=40, polls=12)
        run.wait.for_poll(bob)  # a poll after the send and before the recovery would not use the queue
        run.messages.send(alice, bob)  # no one writes to Bob again, so no later push can bring this one, too
    _recover_and_judge(run)


def _recover_and_judge(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
