"""A MongoDB replica set of three under the server: elections, partitions, a majority lost and regained.

What the server acks is on a majority of the members. So an election can delay messages, and lose none.
"""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, contiguous, on_time, recovers
from harness.run import Inconclusive, ReplicaSet, Run

ALL = (*DELIVERY, on_time, available, recovers, bounded)


@pytest.mark.plan("CLUSTER-01")
def test_the_primary_is_killed_and_the_next_one_steps_down(run: Run) -> None:
    """Two of three are enough for everything; the killed one comes back as a secondary."""
    members = _start(run)
    with run.faults.mongodb_primary_killed(members):
        run.wait.for_traffic(sends=5, polls=1)
    _go_on(run)
    members.rejoin()
    with run.faults.mongodb_stepped_down(members):
        run.wait.for_traffic(sends=1, polls=1)
    _end(run)


@pytest.mark.plan("CLUSTER-02")
def test_the_primary_is_cut_off_without_its_clients_and_with_them(run: Run) -> None:
    """For a moment there are two primaries. The old one takes writes that no majority has: none is acked."""
    members = _start(run, every_s=0.2)
    with run.faults.mongodb_primary_cut_off(members, with_clients=False):
        run.wait.for_traffic(sends=10, polls=1)
    _go_on(run)
    members.rejoin()
    with run.faults.mongodb_primary_cut_off(members, with_clients=True):
        run.wait.for_traffic(sends=10, polls=1)
    run.wait.for_recovery()
    members.rejoin()
    _end(run)


@pytest.mark.plan("CLUSTER-05")
def test_the_primary_and_the_majority_do_not_reach_each_other(run: Run) -> None:
    """The old primary goes on with the clients that it has, until it has missed the majority for too long."""
    members = run.clusters.mongodb_replica_set(divisible=True)
    run.traffic.start(every_s=0.2)
    run.wait.for_traffic(sends=10, polls=3)
    old = members.the_primary()
    with run.faults.mongodb_divided(members):
        run.wait.for_traffic(sends=20, polls=2)
    _go_on(run)
    members.rejoin()
    _end(run)
    if not old.has_rolled_back():
        raise Inconclusive("the old primary took no write that it had to undo")


@pytest.mark.plan("CLUSTER-03")
def test_a_member_lags_and_then_the_majority_is_lost(run: Run) -> None:
    """One member of three may stand still, and no user notices; two may not."""
    members = _start(run)
    with run.faults.member_paused(members):
        run.wait.for_traffic(sends=15, polls=3)
    with run.faults.mongodb_majority_lost(members):
        run.wait.for_traffic(sends=20, polls=6)
    _end(run)


@pytest.mark.plan("CLUSTER-04")
def test_what_was_never_acked_is_rolled_back(run: Run) -> None:
    """Redis is away, so MongoDB answers the polls. What the old primary alone has must not be read."""
    members = run.clusters.mongodb_replica_set()
    alice, bob, carol = run.users.new(3)
    for _ in range(3):
        run.messages.send_acked(alice, bob)
    with run.faults.redis_refused():
        with run.faults.mongodb_primary_cut_off(members, with_clients=False):
            run.messages.send_in_parallel([(alice, bob)] * 2)
            for _ in range(5):
                run.readers.poll_once(bob)
        run.wait.until_recovery_is_due()
        for _ in range(3):
            run.messages.send_acked(carol, bob)
        run.readers.poll_once(bob)
        members.rejoin()
        run.messages.send_acked(carol, bob)
        run.readers.poll_once(bob)
    run.readers.start(bob, at_once=True)
    run.mailboxes.read_all()
    run.check(*DELIVERY, contiguous)


def _start(run: Run, *, every_s: float = 0.3) -> ReplicaSet:
    members = run.clusters.mongodb_replica_set()
    run.traffic.start(every_s=every_s)
    run.wait.for_traffic(sends=10, polls=3)
    return members


def _go_on(run: Run) -> None:
    """Let the traffic show that all is as usual, also with a member missing."""
    run.wait.until_recovery_is_due()
    run.wait.for_traffic(sends=10, polls=2)


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
    run.queues.require_right()
