"""Random sends, retries, polls, relay steps and faults: a mailbox is always as its model says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
from hypothesis import HealthCheck, settings

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_notifier import CHANNEL
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import Failure, Unavailable
from reference_server.known_heads import KnownHeads
from tests.contracts.mailbox_machine import Mailbox
from tests.contracts.redis_data import HEAD, LIST, RedisData, take_notices
from tests.unit.server.fake_redis import Client, Server
from tests.unit.server.world import MONTH_S, WINDOW, World

pytestmark = pytest.mark.timeout(600)  # thousands of steps, which a busy machine takes its time for


class FakeRedisData(RedisData):
    """The data of a fakeredis server, and its faults."""

    def __init__(self, server: Server) -> None:
        super().__init__(fakeredis.FakeRedis(server=server, protocol=2))
        self._server = server
        self._elsewhere: dict[str, Any] | None = None
        self._other = {"run_id": "b" * 40, "replid": "2" * 40}

    def switch(self) -> None:
        """A first time the other one has what its primary had; it is one of its own from then on."""
        self.writable()
        here = {key: self._admin.dump(key) for key in (LIST, HEAD) if self._admin.exists(key)}
        self._admin.flushdb()
        for key, data in (here if self._elsewhere is None else self._elsewhere).items():
            self._admin.restore(key, 60_000, data)
        self._elsewhere = here
        names = {"run_id": self._server.run_id, "replid": self._server.replid}
        vars(self._server).update(self._other)
        self._other = names

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

    def queue_of_a_process(self, known_heads: KnownHeads) -> RedisQueue:
        client, breaker = Client(self._server), CircuitBreaker("Redis", 2)
        return RedisQueue(
            client, breaker, self.store.epoch, limit=WINDOW, ttl_s=MONTH_S, replaced=known_heads.drop
        )

    def subscribe(self, known_heads: KnownHeads) -> Callable[[], object]:
        notices = fakeredis.FakeRedis(server=self._server, protocol=2).pubsub()  # type: ignore[no-untyped-call]
        notices.subscribe(CHANNEL)
        known_heads.subscribed(lambda: False)
        return lambda: take_notices(notices, known_heads)


@pytest.mark.parametrize("sees_the_other", [0, 1], ids=["the sender's worker", "one that never saw it"])
def test_a_redis_that_comes_back_is_not_believed_what_it_held(sees_the_other: int) -> None:
    """Nothing in it has changed: neither its process nor its term tells that another one was in use."""
    world = FakeRedisWorld()
    one, other = world.process(), world.process()
    one.send("before the failover")
    world.redis.switch()
    assert one.send("during it").queued
    world.redis.switch()
    worker = (one, other)[sees_the_other]
    worker.relay.step()
    assert worker.contents() == ["before the failover", "during it"]
    polled = worker.poll()
    assert (polled.source, polled.degraded) == ("redis", False)


BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A slow machine is not a bug of the server."""


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
