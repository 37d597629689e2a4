"""Random histories of sends, retries, polls, repairs and faults: a mailbox is always the one its model is."""

from __future__ import annotations

import fakeredis
import pytest
from hypothesis import HealthCheck, settings

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import Failure, Unavailable
from tests.contracts.mailbox_machine import Mailbox
from tests.contracts.redis_data import RedisData
from tests.unit.server.fake_redis import Client, Server
from tests.unit.server.world import MONTH_S, WINDOW, World

pytestmark = pytest.mark.timeout(600)  # thousands of steps, which a busy machine takes its time for


class FakeRedisData(RedisData):
    """The data of a fakeredis server, and its faults."""

    def __init__(self, server: Server) -> None:
        super().__init__(fakeredis.FakeRedis(server=server, protocol=2))
        self._server = server

    @property
    def is_read_only(self) -> bool:
        return self._server.is_read_only

    def down(self) -> None:
        self._server.is_down = True

    def read_only(self) -> None:
        self._server.is_read_only = True

    def writable(self) -> None:
        self._server.is_read_only = False

    def up(self) -> None:
        self._server.is_down = self._server.is_read_only = False


class FakeRedisWorld(World):
    """Its queues are the real adapter, one for each process."""

    def __init__(self) -> None:
        super().__init__()
        self._server = Server()
        self.redis = FakeRedisData(self._server)

    def queue_of_a_process(self) -> RedisQueue:
        return RedisQueue(Client(self._server), CircuitBreaker("Redis", 2), limit=WINDOW, ttl_s=MONTH_S)


BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine with other work to do is slow, and no bug."""


class InMemory(Mailbox):
    new_world = World


class OnFakeRedis(Mailbox):
    new_world = FakeRedisWorld


TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(BUSY, max_examples=100, stateful_step_count=40)
TestOnFakeRedis = OnFakeRedis.TestCase
TestOnFakeRedis.settings = settings(BUSY, max_examples=25, stateful_step_count=40)


def test_a_failure_is_one_of_the_stores() -> None:
    """`Unavailable` is an answer to a client; stores raise `Failure`: the two must not be mixed up."""
    assert not issubclass(Unavailable, Failure)
