"""The Redis queue keeps the queue's contract, on a Redis in this process."""

from __future__ import annotations

import pytest
import redis

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import QueueUnavailable, StoreUnavailable
from reference_server.interfaces import Rebuild, Untrusted
from tests.contracts.queue_contract import (
    BOB,
    LIMIT,
    START,
    Epochs,
    Lose,
    QueueContract,
    messages,
    rebuilt,
    refresh,
)
from tests.contracts.redis_keys_contract import MONTH_S, RedisKeysContract
from tests.unit.server.fake_redis import Client, Server


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> redis.Redis:
    return Client(server)


@pytest.fixture
def queue(client: redis.Redis, epochs: Epochs) -> RedisQueue:
    return RedisQueue(client, CircuitBreaker("Redis", 2), epochs, limit=LIMIT, ttl_s=MONTH_S)


@pytest.fixture
def epochs() -> Epochs:
    return Epochs()


@pytest.fixture
def lose(client: redis.Redis) -> Lose:
    return lambda: client.flushall()


class TestFakeRedisQueue(QueueContract):
    pass


class TestFakeRedisKeys(RedisKeysContract):
    pass


def _unknown(self: Epochs, identity: str) -> str:
    raise StoreUnavailable("MongoDB: gone")


RESTARTED, PROMOTED = {"run_id": "b" * 40}, {"replid": "2" * 40}


@pytest.mark.parametrize("change", [RESTARTED, PROMOTED, RESTARTED | PROMOTED])
def test_the_lists_of_another_redis_are_rebuilt(
    queue: RedisQueue, server: Server, change: dict[str, str]
) -> None:
    """A restored snapshot agrees with itself, and so does the list of a primary that was one before."""
    rebuilt(queue, messages(1, 3))
    vars(server).update(change)
    assert isinstance(queue.read(BOB, START, 10), Untrusted)
    assert isinstance(queue.push(BOB, messages(4, 4)), Rebuild)


def test_another_redis_is_not_used_before_it_is_written_down(
    queue: RedisQueue, server: Server, epochs: Epochs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the lists of the first one would be trusted when it comes back."""
    rebuilt(queue, messages(1, 3))

    monkeypatch.setattr(Epochs, "__call__", _unknown)
    vars(server).update(RESTARTED)
    with pytest.raises(StoreUnavailable):
        queue.push(BOB, messages(4, 4))
    with pytest.raises(StoreUnavailable):
        queue.read(BOB, START, 10)
    assert not queue.breaker.is_open


def test_a_replica_is_never_taken_into_use(queue: RedisQueue, server: Server, epochs: Epochs) -> None:
    """Not even one that can be written: once MongoDB named it, every worker would leave the primary."""
    rebuilt(queue, messages(1, 3))
    vars(server).update(PROMOTED | {"is_replica": True})
    epochs.now = "of the replica"
    with pytest.raises(QueueUnavailable, match="is a replica"):
        queue.read(BOB, START, 10)
    assert queue.breaker.is_open


class TestPushesToAFormerRedis:
    """Another worker may have used the new Redis before them, and rebuilt the mailbox without them."""

    def test_they_are_named_once(self, queue: RedisQueue, server: Server) -> None:
        rebuilt(queue, messages(1, 3))
        vars(server).update(PROMOTED)
        assert queue.probe()
        assert set(queue.refresh()) == {BOB}
        assert not queue.refresh()

    def test_they_are_named_whoever_finds_the_new_one_first(self, queue: RedisQueue, server: Server) -> None:
        """A request may come before the relay."""
        rebuilt(queue, messages(1, 3))
        vars(server).update(PROMOTED)
        queue.read("carol", START, 10)
        assert queue.probe()
        assert set(queue.refresh()) == {BOB}

    def test_those_from_before_the_last_look_were_rebuilt(self, queue: RedisQueue, server: Server) -> None:
        rebuilt(queue, messages(1, 3))
        refresh(queue)
        vars(server).update(PROMOTED)
        assert queue.probe()
        assert not queue.refresh()

    def test_a_failed_look_leaves_them(
        self, queue: RedisQueue, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rebuilt(queue, messages(1, 3))
        with monkeypatch.context() as broken:
            broken.setattr(Epochs, "__call__", _unknown)
            with pytest.raises(StoreUnavailable):
                queue.refresh()
        vars(server).update(PROMOTED)
        assert queue.probe()
        assert set(queue.refresh()) == {BOB}

    def test_the_former_one_is_not_taken_into_use_again_because_a_probe_has_just_seen_it(
        self, queue: RedisQueue, server: Server, epochs: Epochs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """MongoDB would name it, and every worker would rebuild every list once more."""
        looked_up: list[str] = []
        rebuilt(queue, messages(1, 3))
        assert queue.probe()
        vars(server).update(PROMOTED)
        with monkeypatch.context() as counted:
            counted.setattr(Epochs, "__call__", lambda self, identity: looked_up.append(identity) or self.now)
            queue.read(BOB, START, 10)
            queue.refresh()
        assert looked_up == [looked_up[0]] * 2
        assert PROMOTED["replid"] in looked_up[0]
