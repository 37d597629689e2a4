"""The Redis queue keeps the queue's contract, on a Redis in this process."""

from __future__ import annotations

import pytest
import redis

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.interfaces import Rebuild, Untrusted
from tests.contracts.queue_contract import BOB, LIMIT, START, Lose, QueueContract, messages, rebuilt
from tests.contracts.redis_keys_contract import MONTH_S, RedisKeysContract
from tests.unit.server.fake_redis import Client, Server


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> redis.Redis:
    return Client(server)


@pytest.fixture
def queue(client: redis.Redis) -> RedisQueue:
    return RedisQueue(client, CircuitBreaker("Redis", 2), limit=LIMIT, ttl_s=MONTH_S)


@pytest.fixture
def lose(client: redis.Redis) -> Lose:
    return lambda: client.flushall()


class TestFakeRedisQueue(QueueContract):
    pass


class TestFakeRedisKeys(RedisKeysContract):
    pass


def test_a_list_from_before_a_restart_is_not_served(queue: RedisQueue, server: Server) -> None:
    """A restored snapshot agrees with itself; only the process's id tells that it may be old."""
    rebuilt(queue, messages(1, 3))
    server.run_id = "b" * 40
    assert isinstance(queue.read(BOB, START, 10), Untrusted)
    assert isinstance(queue.push(BOB, messages(4, 4)), Rebuild)
