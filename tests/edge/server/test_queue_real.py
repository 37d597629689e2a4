"""The Redis queue keeps the queue's contract on a real Redis."""

from __future__ import annotations

import pytest
import redis

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from tests.contracts.queue_contract import LIMIT, Lose, QueueContract
from tests.contracts.redis_keys_contract import HEAD, LIST, MONTH_S, RedisKeysContract


@pytest.fixture
def queue(client: redis.Redis, redis_client: redis.Redis) -> RedisQueue:
    return RedisQueue(redis_client, CircuitBreaker("Redis", 2), limit=LIMIT, ttl_s=MONTH_S)


@pytest.fixture
def lose(client: redis.Redis) -> Lose:
    return lambda: client.delete(LIST, HEAD)


class TestRedisQueue(QueueContract):
    pass


class TestRedisKeys(RedisKeysContract):
    pass
