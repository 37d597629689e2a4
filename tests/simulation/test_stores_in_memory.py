"""The stores of the simulation keep the contracts of the real ones, under the server's own adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Mongo
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_outbox import MongoOutbox
from reference_server.adapters.mongo_pages import Pages
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_users import MongoUsers
from reference_server.adapters.redis_queue import RedisQueue
from tests.contracts.pages_contract import PagesContract
from tests.contracts.queue_contract import LIMIT, Epochs, Lose, QueueContract
from tests.contracts.store_contract import WINDOW, Delete, EpochOf, StoreContract
from tests.simulation import mongo_client, redis_client
from tests.simulation.hub import Hub
from tests.simulation.mongo_client import MongoClient
from tests.simulation.mongo_server import MongoServer
from tests.simulation.network import Network
from tests.simulation.primitives import Running, simulated
from tests.simulation.redis_client import Inbox, RedisClient
from tests.simulation.redis_server import RedisServer


@pytest.fixture
def hub() -> Iterator[Hub]:
    """With this test as its only actor, which is never interrupted."""
    Running.hub = Hub()
    Running.hub.take_over()
    with simulated():
        yield Running.hub


class TestSimulatedRedis(QueueContract):
    @pytest.fixture
    def server(self) -> RedisServer:
        return RedisServer(lambda channel, text: None)

    @pytest.fixture
    def queue(self, hub: Hub, server: RedisServer, epochs: Epochs) -> RedisQueue:
        network = Network(hub, "Redis", redis_client.ERRORS, ())
        client = RedisClient(hub, network, server, Inbox(hub, network, may_lose=False))
        return RedisQueue(client, CircuitBreaker("Redis", 2), epochs, limit=LIMIT, ttl_s=60)

    @pytest.fixture
    def lose(self, server: RedisServer) -> Lose:
        return server.flush


class SimulatedMongoDB:
    """The stores in a MongoDB in memory."""

    @pytest.fixture
    def server(self) -> MongoServer:
        return MongoServer()

    @pytest.fixture
    def mongo(self, hub: Hub, server: MongoServer) -> Mongo:
        client = MongoClient(hub, Network(hub, "MongoDB", mongo_client.ERRORS, ()), server)
        return Mongo(client, "chat", CircuitBreaker("MongoDB", 3), timeout_s=1.0)

    @pytest.fixture
    def store(self, mongo: Mongo) -> MongoStore:
        store = MongoStore(mongo, window=WINDOW)
        store.prepare()
        return store

    @pytest.fixture
    def pages(self, mongo: Mongo) -> Pages:
        return Pages(mongo)

    @pytest.fixture
    def outbox(self, mongo: Mongo) -> MongoOutbox:
        return MongoOutbox(mongo)

    @pytest.fixture
    def users(self, mongo: Mongo) -> MongoUsers:
        return MongoUsers(mongo)

    @pytest.fixture
    def epoch_of(self, mongo: Mongo) -> EpochOf:
        return MongoEpochs(mongo).epoch

    @pytest.fixture
    def delete(self, server: MongoServer) -> Delete:
        def delete(recipient: str, seq: int) -> None:
            held = server.applied["messages"]
            old = [key for key, one in held.items() if one["recipient"] == recipient and one["seq"] <= seq]
            for key in old:
                del held[key]

        return delete


class TestSimulatedMongoDB(SimulatedMongoDB, StoreContract):
    pass


class TestSimulatedPages(SimulatedMongoDB, PagesContract):
    pass


for name in [name for name in dir(StoreContract) if "conversation" in name]:
    setattr(TestSimulatedMongoDB, name, None)  # histories are read by queries that are not simulated
