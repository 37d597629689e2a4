"""The Redis queue keeps the queue's contract, on a Redis in this process."""

from __future__ import annotations

import fakeredis
import pytest
import redis
from fakeredis._commands import command
from fakeredis._socket._fakesocket import FakeSocket

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.interfaces import Rebuild, Untrusted
from tests.contracts.queue_contract import BOB, LIMIT, START, Lose, QueueContract, messages, rebuilt
from tests.contracts.redis_keys_contract import MONTH_S, RedisKeysContract


def _info(self: FakeSocket, *sections: bytes) -> bytes:
    """`INFO server`, as far as the scripts read it; fakeredis has none."""
    return f"# Server\r\nrun_id:{getattr(self._server, 'run_id', 'a' * 40)}\r\n".encode()


_info.__name__ = "info"
setattr(FakeSocket, "info", command((), (bytes,))(_info))  # noqa: B010 - the class does not declare it


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture
def client(server: fakeredis.FakeServer) -> redis.Redis:
    return fakeredis.FakeRedis(server=server, protocol=2)


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


def test_a_list_from_before_a_restart_is_not_served(queue: RedisQueue, server: fakeredis.FakeServer) -> None:
    """A restored snapshot agrees with itself; only the process's id tells that it may be old."""
    rebuilt(queue, messages(1, 3))
    setattr(server, "run_id", "b" * 40)  # noqa: B010 - the class does not declare it
    assert isinstance(queue.read(BOB, START, 10), Untrusted)
    assert isinstance(queue.push(BOB, messages(4, 4)), Rebuild)
