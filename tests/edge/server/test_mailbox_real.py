"""Random histories on a real Redis and a real MongoDB: the machine that the unit tests run, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from harness.stack import Services
from harness.stack.waiting import free_port
from reference_server.adapters import redis_clients
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Mongo
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_outbox import MongoOutbox
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_users import MongoUsers
from reference_server.adapters.redis_notifier import CHANNEL, parse_notice
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import OutcomeUnknown, StoreUnavailable
from reference_server.known_heads import KnownHeads
from reference_server.message import Draft, Message
from tests.contracts.mailbox_machine import Mailbox
from tests.contracts.redis_data import RedisData
from tests.unit.server.world import MONTH_S, WINDOW, World

PATIENCE_MS = 10_000
"""No fault here is slow, so whatever takes long is this machine's fault."""


class RealRedis(RedisData):
    """Redis behind its proxy; `admin` goes round it."""

    def __init__(self, services: Services, admin: redis.Redis) -> None:
        super().__init__(admin)
        self._proxy = services.proxies["redis"]

    def down(self) -> None:
        self._proxy.disable()

    def read_only(self) -> None:
        self._admin.replicaof("127.0.0.1", free_port())
        self.is_read_only = True

    def writable(self) -> None:
        if self.is_read_only:
            self._admin.replicaof("NO", "ONE")
            self.is_read_only = False

    def up(self) -> None:
        self._proxy.enable()
        self.writable()


class RealStore:
    """MongoDB behind the two failures that a message's fate hangs on: see BreakableStore in world.py."""

    def __init__(self, mongodb: Mongo) -> None:
        self.down = self.answers_lost = False
        self._mongodb = mongodb
        self._adapters = (
            MongoStore(mongodb, window=WINDOW),
            MongoOutbox(mongodb),
            MongoEpochs(mongodb),
            MongoUsers(mongodb),
        )

    @property
    def breaker(self) -> CircuitBreaker:
        return self._mongodb.breaker

    def probe(self) -> bool:
        return not self.down and self._mongodb.probe()

    def append(self, draft: Draft, now_us: int) -> Message:
        message = self._ask("append", draft, now_us)
        if self.answers_lost:
            raise OutcomeUnknown("MongoDB: timed out")
        return message

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._ask(name, *arguments)

    def _ask(self, name: str, *arguments: Any) -> Any:
        if self.down:
            raise StoreUnavailable("MongoDB: connection refused")
        [method] = [getattr(adapter, name) for adapter in self._adapters if hasattr(adapter, name)]
        return method(*arguments)

    def forget_everything(self) -> None:
        for name in ("messages", "outbox", "queue", "users"):
            self._mongodb.collection(name).delete_many({})


class RealWorld(World):
    """A world for one history after the other: every one starts with empty stores."""

    def __init__(
        self, real_redis: RealRedis, client: redis.Redis, store: RealStore, admin: redis.Redis
    ) -> None:
        super().__init__()
        self.redis, self.store, self._client, self._admin = real_redis, store, client, admin
        self._notices: list[Any] = []
        self.close()
        for name in ("alice", "bob"):
            store.add(name, "hash")

    def queue_of_a_process(self, known_heads: KnownHeads) -> RedisQueue:
        breaker = CircuitBreaker("Redis", 2)
        return RedisQueue(
            self._client, breaker, self.store.epoch, limit=WINDOW, ttl_s=MONTH_S, replaced=known_heads.drop
        )

    def subscribe(self, known_heads: KnownHeads) -> Callable[[], object]:
        """Take notices by a connection around the proxy. Its PING is answered after all earlier notices."""
        notices = self._admin.pubsub()
        self._notices.append(notices)
        notices.subscribe(CHANNEL)

        def take_all() -> None:
            notices.ping("sync")
            while (message := notices.get_message(timeout=PATIENCE_MS / 1000))["type"] != "pong":
                if message["type"] == "message":
                    known_heads.noticed(*parse_notice(message["data"]))

        known_heads.subscribed(lambda: False)
        return take_all

    def close(self) -> None:
        while self._notices:
            self._notices.pop().close()
        self.redis.up()
        self.redis.empty()
        self.store.down = self.store.answers_lost = False
        self.store.forget_everything()


@pytest.fixture
def client(ours: Services) -> Iterator[redis.Redis]:
    """The server's own client, through the proxy."""
    client = redis_clients.connect(ours.redis_url, PATIENCE_MS)
    yield client
    client.close()


@pytest.mark.timeout(600)
def test_a_mailbox_is_always_the_one_its_model_is(
    ours: Services, client: redis.Redis, redis_url: str, mongodb: Mongo
) -> None:
    with redis.Redis.from_url(redis_url, protocol=2) as admin:
        real_redis, store = RealRedis(ours, admin), RealStore(mongodb)
        store.prepare()

        class OnRealStores(Mailbox):
            new_world = staticmethod(lambda: RealWorld(real_redis, client, store, admin))

        run_state_machine_as_test(
            OnRealStores,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                phases=[Phase.generate],  # bounded: the unit tests look for the shortest history that fails
            ),
        )
