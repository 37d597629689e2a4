"""A Redis with replicas and sentinels under the server: failovers, with two primaries or too few pushes.

Redis replicates asynchronously: a new primary may lack what the old one had taken. MongoDB has it.
"""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, on_time, recovers
from harness.client import Client
from harness.run import Pair, Run

ALL = (*DELIVERY, on_time, available, recovers)
FAILS_OVER_WITHIN_S = 3.0
"""While a failover takes this long, each of many readers gets one message, at a random moment of it."""


@pytest.mark.plan("CLUSTER-10")
def test_the_primary_dies_with_pushes_that_no_replica_has(run: Run) -> None:
    """What is promoted agrees with itself, and lacks what came last. The dead one comes back, empty."""
    watched = run.clusters.redis_sentinel()
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    with run.faults.redis_replicas_cut_off(watched):
        for _ in range(3):
            run.messages.send_acked(alice, bob)  # no one sends to Bob again
        with run.faults.redis_primary_killed(watched):
            run.wait.for_traffic(sends=10, polls=4)
    run.readers.start(bob, at_once=True)
    watched.rejoin()
    _end(run)


@pytest.mark.plan("CLUSTER-11")
def test_there_are_two_primaries_and_then_the_first_is_promoted_again(run: Run) -> None:
    """Pushes go on while workers move from one to the other, and no later message repairs a mailbox."""
    watched = run.clusters.redis_sentinel()
    alice, *others = run.users.new_in_parallel(9)
    run.readers.start(*others)
    _start(run)
    first = watched.the_primary()
    with run.faults.redis_primary_cut_off(watched):
        _send_one_each(run, alice, others)
    with run.faults.redis_promoted(watched, first):
        _send_one_each(run, alice, others)
    _end(run)


def _start(run: Run) -> None:
    run.traffic.start(pairs=2, every_s=0.3)
    run.wait.for_traffic(sends=10, polls=3)


def _send_one_each(run: Run, sender: Client, recipients: list[Client]) -> None:
    pairs: list[Pair] = [(sender, recipient) for recipient in recipients]
    run.senders.send_many(pairs, count=1, every_s=FAILS_OVER_WITHIN_S)


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
