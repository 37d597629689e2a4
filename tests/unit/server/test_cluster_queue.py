"""The queue in a Redis Cluster: the contract of a queue, and what moves, fails and fails over."""

from __future__ import annotations

import fakeredis
import pytest
import redis

from reference_server.adapters.cluster_keys import slot_of
from reference_server.adapters.cluster_queue import ClusterQueue
from reference_server.adapters.cluster_topology import parse_slots, split_url
from reference_server.errors import QueueUnavailable
from reference_server.interfaces import Accepted, Page, Rebuild, Untrusted
from reference_server.message import Message
from tests.contracts.queue_contract import (
    BOB,
    START,
    Epochs,
    Lose,
    QueueContract,
    messages,
    rebuilt,
    refresh,
    seqs,
)
from tests.unit.server.fake_cluster import A, B, C, FakeCluster, MemoryOwners, NodeClient, cluster_queue

D = ("node", 7004)


class EpochsOfOwners(Epochs):
    """The epoch of every slot that has an owner, in the document of all workers."""

    def __init__(self, owners: MemoryOwners) -> None:
        object.__setattr__(self, "owners", owners)

    def __setattr__(self, name: str, epoch: str) -> None:
        self.owners.version = epoch  # type: ignore[attr-defined]
        self.owners.ranges = [(*each[:3], epoch) for each in self.owners.ranges]  # type: ignore[attr-defined]


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def owners() -> MemoryOwners:
    return MemoryOwners()


@pytest.fixture
def queue(cluster: FakeCluster, owners: MemoryOwners) -> ClusterQueue:
    return cluster_queue(cluster, owners)


@pytest.fixture
def lose(cluster: FakeCluster) -> Lose:
    def lose() -> None:
        for address in (A, B, C):
            redis_of(cluster, address).flushall()

    return lose


def redis_of(cluster: FakeCluster, address: tuple[str, int]) -> redis.Redis:
    return fakeredis.FakeRedis(server=cluster.servers[address])


class TestClusterQueue(QueueContract):
    @pytest.fixture
    def epochs(self, owners: MemoryOwners) -> Epochs:
        return EpochsOfOwners(owners)


def to(recipient: str, seq: int) -> Message:
    return Message(seq, seq * 1000, f"id-{seq}", "alice", recipient, "hi")


def fill(queue: ClusterQueue, recipient: str, last: int) -> None:
    asked = queue.push(recipient, ())
    assert isinstance(asked, Rebuild)
    window = [to(recipient, seq) for seq in range(1, last + 1)]
    assert queue.push(recipient, window, asked.claim) == Accepted(last)


def mailbox_at(cluster: FakeCluster, address: tuple[str, int]) -> str:
    names = (f"user-{number}" for number in range(1000))
    return next(name for name in names if cluster.owners[slot_of(name)] == address)


def test_mailboxes_of_every_node_are_served_there(queue: ClusterQueue, cluster: FakeCluster) -> None:
    for address in (A, B, C):
        name = mailbox_at(cluster, address)
        cluster.commands.clear()
        fill(queue, name, 3)
        assert seqs(queue.read(name, START, 10)) == [1, 2, 3]
        assert set(cluster.commands) == {address}


def test_a_page_says_nothing_about_the_head(queue: ClusterQueue) -> None:
    """Nothing counts notices, so a head could be out of date."""
    page = rebuilt(queue, messages(1, 3)).read(BOB, START, 10)
    assert isinstance(page, Page)
    assert page.newest is None


def test_a_slot_that_was_moved_is_followed_and_its_lists_are_rebuilt(
    queue: ClusterQueue, cluster: FakeCluster
) -> None:
    rebuilt(queue, messages(1, 3))
    cluster.owners[slot_of(BOB)] = next(each for each in (A, B) if each != cluster.owners[slot_of(BOB)])
    assert isinstance(queue.read(BOB, START, 10), Untrusted)
    rebuilt(queue, messages(1, 4))
    cluster.commands.clear()
    assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3, 4]
    assert set(cluster.commands) == {cluster.owners[slot_of(BOB)]}, "the way is remembered"


@pytest.mark.parametrize(
    "answer",
    [
        redis.exceptions.AskError("7 node:7003"),
        redis.exceptions.TryAgainError("Multiple keys request during rehashing of slot"),
    ],
)
def test_a_mailbox_on_its_way_is_unavailable_and_its_node_is_not(
    queue: ClusterQueue, answer: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_its_way(self: NodeClient, keys: list[str]) -> None:
        raise answer

    monkeypatch.setattr(NodeClient, "_require_here", on_its_way)
    for _ in range(3):
        with pytest.raises(QueueUnavailable, match="on its way"):
            queue.read(BOB, START, 10)
    assert not queue.breaker.is_open
    assert queue.probe(), "a node that sends a client elsewhere works"


def test_nodes_that_do_not_agree_are_not_asked_for_ever(queue: ClusterQueue, cluster: FakeCluster) -> None:
    name = mailbox_at(cluster, A)
    cluster.sends_to = {A: B, B: A}
    with pytest.raises(QueueUnavailable, match="do not agree"):
        queue.read(name, START, 10)


def test_only_the_mailboxes_of_a_dead_node_are_unavailable(queue: ClusterQueue, cluster: FakeCluster) -> None:
    dead, alive = mailbox_at(cluster, A), mailbox_at(cluster, B)
    fill(queue, dead, 2)
    fill(queue, alive, 2)
    cluster.servers[A].is_down = True
    for _ in range(3):
        with pytest.raises(QueueUnavailable):
            queue.read(dead, START, 10)
    assert seqs(queue.read(alive, START, 10)) == [1, 2]
    assert queue.breaker.is_open, "the relay looks often while a node is out"
    refresh(queue)
    queue.breaker.close()
    assert queue.breaker.is_open, "its probe has failed"
    cluster.servers[A].is_down = False
    refresh(queue)
    queue.breaker.close()
    assert not queue.breaker.is_open
    assert seqs(queue.read(dead, START, 10)) == [1, 2]


def test_after_a_failover_no_list_of_the_promoted_node_is_trusted(
    queue: ClusterQueue, cluster: FakeCluster
) -> None:
    """Replication is asynchronous: its lists may lack the last pushes, with records that agree."""
    name, elsewhere = mailbox_at(cluster, A), mailbox_at(cluster, B)
    fill(queue, name, 3)
    fill(queue, elsewhere, 3)
    kept = {key: redis_of(cluster, A).dump(key) for key in redis_of(cluster, A).keys("*")}
    queue.push(name, [to(name, 4)])  # this push was not replicated
    cluster.fail_over(A, D)
    for key, data in kept.items():
        redis_of(cluster, D).restore(key, 0, data)
    refresh(queue)
    assert isinstance(queue.read(name, START, 10), Untrusted)
    assert seqs(queue.read(elsewhere, START, 10)) == [1, 2, 3]
    assert not queue.breaker.is_open, "the dead node serves nothing any more"


def test_a_push_to_a_node_that_another_worker_has_left_is_suspected(
    queue: ClusterQueue, cluster: FakeCluster, owners: MemoryOwners
) -> None:
    """That worker may have rebuilt the list elsewhere before the message of this push was stored."""
    name = mailbox_at(cluster, A)
    fill(queue, name, 2)
    queue.push(name, [to(name, 3)])
    assert list(queue.refresh()) == []
    queue.push(name, [to(name, 4)])
    version, ranges = owners.load()
    owners.replace(version, "of another worker", [(*each[:2], "the promoted", "e") for each in ranges])
    assert list(queue.refresh()) == [name]
    assert list(queue.refresh()) == []


def test_a_mailbox_that_no_node_serves_is_unavailable(cluster: FakeCluster, owners: MemoryOwners) -> None:
    unserved = mailbox_at(cluster, C)
    cluster.owners = cluster.owners[: slot_of(unserved)]
    queue = cluster_queue(cluster, owners)
    with pytest.raises(QueueUnavailable, match="no node of the Redis Cluster serves slot"):
        queue.read(unserved, START, 10)


def test_before_a_node_has_answered_the_breaker_is_open(cluster: FakeCluster, owners: MemoryOwners) -> None:
    for server in cluster.servers.values():
        server.is_down = True
    queue = cluster_queue(cluster, owners, works=False)
    assert str(queue.breaker.reason).startswith("no node of the Redis Cluster has answered yet; node:7001: ")
    with pytest.raises(QueueUnavailable, match="has answered yet; node:7001: "):
        queue.read("bob", START, 10)
    with pytest.raises(redis.ConnectionError):
        queue.pubsub()
    cluster.servers[C].is_down = False
    assert not queue.probe(), "C is not one of the nodes that the URL names"
    cluster.servers[B].is_down = False
    assert queue.probe()


def test_the_slots_of_a_reply_are_read_with_the_host_that_was_asked_for_an_empty_one() -> None:
    reply = [[0, 1, [b"", 7001, b"id"], [b"replica", 7004, b"id"]], [3, 3, [b"::1", 7002, b"id"]]]
    primaries, replicas = parse_slots(reply, "asked")
    assert primaries[:5] == [("asked", 7001), ("asked", 7001), None, ("::1", 7002), None]
    assert replicas == {("replica", 7004)}
    with pytest.raises(ValueError, match="no node serves any slot"):
        parse_slots([], "asked")


@pytest.mark.parametrize(
    ("url", "nodes", "single"),
    [
        ("redis+cluster://a.example", [("a.example", 6379)], "redis://node:1"),
        (
            "rediss+cluster://user:p%40ss@a.example:7000,[::1]:7001/?client_name=chat",
            [("a.example", 7000), ("::1", 7001)],
            "rediss://user:p%40ss@node:1/?client_name=chat",
        ),
        ("redis+cluster://:secret@a:1?client_name=x", [("a", 1)], "redis://:secret@node:1?client_name=x"),
    ],
)
def test_the_url_of_a_cluster_names_nodes_and_what_each_client_needs(
    url: str, nodes: list[tuple[str, int]], single: str
) -> None:
    found, url_of = split_url(url)
    assert found == nodes
    assert url_of(("node", 1)) == single
    assert "[::1]:7001" in url_of(("::1", 7001))
