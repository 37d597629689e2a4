"""A Redis Cluster under the server: slots move to other nodes, and a replica takes over that lacks pushes.

Every node answers for the mailboxes of its slots alone. MongoDB has what a node has lost.
"""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, recovers)


@pytest.mark.plan("CLUSTER-20")
def test_the_slots_of_live_mailboxes_move_to_other_nodes(run: Run) -> None:
    """For a while their keys have gone, and the slots still belong to the former nodes."""
    cluster = run.clusters.redis_cluster()
    _start(run)
    with run.faults.redis_slots_moving(cluster, run.readers.usernames()):
        run.wait.for_traffic(sends=10, polls=4)
    _end(run)


@pytest.mark.plan("CLUSTER-21")
def test_a_node_dies_with_pushes_that_its_replica_lacks(run: Run) -> None:
    """What is promoted agrees with itself, and lacks what came last. Other nodes' mailboxes go on."""
    cluster = run.clusters.redis_cluster()
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    with run.faults.redis_replica_behind(cluster, bob.username):
        for _ in range(3):
            run.messages.send_acked(alice, bob)  # no one sends to Bob again
        with run.faults.redis_shard_lost(cluster, bob.username):
            run.wait.for_traffic(sends=10, polls=4)
    run.readers.start(bob, at_once=True)
    cluster.rejoin()
    _end(run)


def _start(run: Run) -> None:
    run.traffic.start(every_s=0.3)
    run.wait.for_traffic(sends=10, polls=3)


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
