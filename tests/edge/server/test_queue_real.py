"""The Redis queue keeps the queue's contract on a real Redis."""

from __future__ import annotations

import pytest
import redis

from reference_server.adapters import redis_clients
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import QueueUnavailable
from tests.contracts.queue_contract import LIMIT, START, Epochs, Lose, QueueContract
from tests.contracts.redis_keys_contract import HEAD, LIST, MONTH_S, RedisKeysContract


@pytest.fixture
def queue(client: redis.Redis, redis_client: redis.Redis, epochs: Epochs) -> RedisQueue:
    return RedisQueue(redis_client, CircuitBreaker("Redis", 2), epochs, limit=LIMIT, ttl_s=MONTH_S)


@pytest.fixture
def epochs() -> Epochs:
    return Epochs()


@pytest.fixture
def lose(client: redis.Redis) -> Lose:
    return lambda: client.delete(LIST, HEAD)


class TestRedisQueue(QueueContract):
    pass


class TestRedisKeys(RedisKeysContract):
    pass


def test_more_callers_than_connections_say_nothing_about_redis(database_15: str) -> None:
    """redis-py's blocking pool would raise what a dead Redis raises, and the breaker would open."""
    few = redis_clients.connect(database_15, timeout_ms=1000)
    few.connection_pool.max_connections = 1
    queue = RedisQueue(few, CircuitBreaker("Redis", 1), Epochs(), limit=LIMIT, ttl_s=MONTH_S)
    taken = few.connection_pool.get_connection()
    with pytest.raises(QueueUnavailable):
        queue.read("nobody", START, 10)
    assert not queue.breaker.is_open
    few.connection_pool.release(taken)
    assert queue.probe()
    few.close()
