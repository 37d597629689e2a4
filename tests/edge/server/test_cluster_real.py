"""The queue in a real Redis Cluster, with the owners of its slots in a real MongoDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from harness.stack import Services
from harness.stack.redis_cluster import ClusterNode, RedisCluster, slot_of
from harness.stack.waiting import wait_until
from reference_server.adapters import cluster_keys, redis_clients
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.cluster_queue import ClusterQueue
from reference_server.adapters.cluster_topology import Topology, split_url
from reference_server.adapters.mongo import Mongo
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_slot_owners import MongoSlotOwners
from reference_server.adapters.redis_notifier import RedisNotifier
from reference_server.adapters.slot_owners import SlotOwners
from reference_server.errors import QueueUnavailable
from reference_server.interfaces import Accepted, Page, Rebuild, Untrusted
from reference_server.known_heads import KnownHeads
from tests.contracts.queue_contract import LIMIT, START, seqs
from tests.contracts.redis_keys_contract import MONTH_S
from tests.unit.server.test_cluster_queue import fill, to


@pytest.fixture(scope="module")
def cluster(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    if (binary := services.found["redis"].binary) is None:
        pytest.skip("the Redis at REDIS_URL is not ours: there is no program to start a cluster with")
    folder = tmp_path_factory.mktemp("cluster")
    cluster = RedisCluster(binary, folder=folder, logs=folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


@pytest.fixture
def queue(cluster: RedisCluster, mongodb: Mongo) -> ClusterQueue:
    return queue_of_a_process(cluster, mongodb)


def queue_of_a_process(cluster: RedisCluster, mongodb: Mongo) -> ClusterQueue:
    seeds, url_of = split_url(cluster.url)
    topology = Topology(seeds, lambda node: redis_clients.connect(url_of(node), timeout_ms=2000))
    owners = SlotOwners(MongoSlotOwners(mongodb), MongoEpochs(mongodb).epoch)
    queue = ClusterQueue(topology, owners, lambda name: CircuitBreaker(name, 2), limit=LIMIT, ttl_s=MONTH_S)
    wait_until(queue.probe, deadline_s=20, what="a node that works")
    queue.refresh()
    queue.breaker.close()
    return queue


def mailbox_at(node: ClusterNode, cluster: RedisCluster, word: str) -> str:
    names = (f"{word}-{number}" for number in range(1000))
    return next(name for name in names if cluster.primary_of(name) is node)


def test_every_script_keeps_to_the_slot_of_its_keys(cluster: RedisCluster, queue: ClusterQueue) -> None:
    """A real cluster refuses a script whose keys are in two slots, and one that uses another node's."""
    for node in cluster.primaries():
        name = mailbox_at(node, cluster, "slots")
        fill(queue, name, 3)
        assert queue.push(name, [to(name, 4)]) == Accepted(4)
        assert seqs(queue.read(name, START, 10)) == [1, 2, 3, 4]
        assert {*node.ask("KEYS", f"*{name}*")} == {*cluster_keys.keys_of(name)}
    assert not queue.breaker.is_open


def test_a_damaged_list_is_rebuilt(cluster: RedisCluster, queue: ClusterQueue) -> None:
    fill(queue, "damaged", 3)
    cluster.primary_of("damaged").ask("LSET", "messages:damaged", 1, "[2,2000")
    assert isinstance(queue.read("damaged", START, 10), Untrusted)
    assert isinstance(queue.push("damaged", [to("damaged", 4)]), Rebuild)


def test_slots_that_move_are_followed_and_their_lists_rebuilt(
    cluster: RedisCluster, queue: ClusterQueue, mongodb: Mongo
) -> None:
    source, target = cluster.primaries()[:2]
    name = mailbox_at(source, cluster, "moved")
    other = queue_of_a_process(cluster, mongodb)
    fill(queue, name, 3)
    with cluster.moving(slot_of(name), source, target):
        for _ in range(3):
            with pytest.raises(QueueUnavailable, match="on its way"):
                queue.read(name, START, 10)
        assert not queue.breaker.is_open
    assert isinstance(queue.read(name, START, 10), Untrusted), "it was written at another node"
    fill(other, name, 4)
    queue.refresh()
    assert seqs(queue.read(name, START, 10)) == [1, 2, 3, 4]
    with cluster.moving(slot_of(name), target, source):
        pass
    assert isinstance(queue.read(name, START, 10), Untrusted), "it came back to a former owner"


def test_a_notice_reaches_every_worker_whatever_node_it_asked(
    cluster: RedisCluster, queue: ClusterQueue, mongodb: Mongo
) -> None:
    heads = KnownHeads(lambda: 0.0)
    notifier = RedisNotifier(queue_of_a_process(cluster, mongodb), heads)
    notifier.start()
    try:
        wait_until(lambda: heads.is_subscribed, deadline_s=10, what="the subscription")
        for node in cluster.primaries():
            name = mailbox_at(node, cluster, "noticed")
            fill(queue, name, 1)
            with notifier.listen(name) as wait:
                woken: list[str] = []
                notifier.notify = woken.append  # type: ignore[method-assign]
                queue.push(name, [to(name, 2)])
                wait_until(lambda: name in woken, deadline_s=10, what="a notice")  # noqa: B023
                del notifier.notify, wait
    finally:
        notifier.stop()


def test_a_failover_makes_only_the_mailboxes_of_its_slots_unavailable_for_a_while(
    cluster: RedisCluster, queue: ClusterQueue
) -> None:
    dead = cluster.primaries()[0]
    name, elsewhere = mailbox_at(dead, cluster, "failed"), mailbox_at(cluster.primaries()[1], cluster, "kept")
    fill(queue, name, 3)
    fill(queue, elsewhere, 3)
    dead.kill()
    for _ in range(3):
        with pytest.raises(QueueUnavailable):
            queue.read(name, START, 10)
    assert seqs(queue.read(elsewhere, START, 10)) == [1, 2, 3]

    def is_promoted() -> bool:
        assert queue.probe(), "two nodes work"
        queue.breaker.close()
        return not queue.breaker.is_open

    wait_until(is_promoted, deadline_s=20, what="the replica to take over", retry_on=(redis.RedisError,))
    assert isinstance(queue.read(name, START, 10), Untrusted)
    fill(queue, name, 4)
    assert isinstance(queue.read(name, START, 10), Page)
    dead.start()
    wait_until(cluster.is_complete, deadline_s=20, what="the killed node to follow")
    assert seqs(queue.read(name, START, 10)) == [1, 2, 3, 4]
