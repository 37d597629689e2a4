"""Clean ground for the server's tests on real services: databases of their own in Redis and in MongoDB."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pymongo
import pytest
import redis

from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import free_port, wait_until
from reference_server.adapters import mongo, redis_clients
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Document, Mongo
from tests.edge.server.process import Chat, ready, target

NO_TLS = "Failed finding TLS support"
KEYS = ("messages:bob", "head:bob", "head:claimed", "probe")


@pytest.fixture(scope="session")
def one_server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server for all tests that leave it as they found it."""
    server = target(services, tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(one_server: Target) -> Target:
    """The server, in good health: tests of another module may just have broken its stores."""
    wait_until(lambda: ready(one_server.base_url)["status"] == "ok", deadline_s=20, what="a healthy server")
    return one_server


@pytest.fixture(scope="module")
def chat(server: Target) -> Iterator[Chat]:
    """Two users of that server, signed in: signing in takes longer than what such tests do."""
    chat = Chat(server.base_url)
    yield chat
    chat.close()


@pytest.fixture
def stored(chat: Chat) -> Callable[[], list[str]]:
    """Gives what came into bob's mailbox since the test began."""
    before = len(chat.read_all())
    return lambda: chat.read_all()[before:]


@pytest.fixture
def database_15(redis_url: str) -> str:
    """The URL of Redis database 15."""
    return urlsplit(redis_url)._replace(path="/15").geturl()


@pytest.fixture
def client(database_15: str) -> Iterator[redis.Redis]:
    """A client of Redis database 15, without the keys that these tests use."""
    with redis.Redis.from_url(database_15, protocol=2) as client:
        client.delete(*KEYS)
        yield client
        client.delete(*KEYS)


@pytest.fixture
def database(mongodb_url: str) -> Iterator[str]:
    """The name of a new database."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    with pymongo.MongoClient[Document](mongodb_url) as client:
        client.drop_database(name)


@pytest.fixture
def mongodb(mongodb_url: str, database: str) -> Iterator[Mongo]:
    """The server's own way to MongoDB, with more patience than in production: this machine may be busy."""
    client = mongo.connect(mongodb_url, timeout_ms=5000)
    yield Mongo(client, database, CircuitBreaker("MongoDB", 3), timeout_s=5.0)
    client.close()


@pytest.fixture
def redis_client(database_15: str) -> Iterator[redis.Redis]:
    """The server's own client of database 15."""
    client = redis_clients.connect(database_15, timeout_ms=1000)
    yield client
    client.close()


@pytest.fixture
def encrypting(services: Services) -> Path:
    """The program of a Redis that can speak TLS."""
    binary = services.found["redis"].binary
    if binary is None:
        pytest.skip("the Redis at REDIS_URL is not ours: there is no program to start")
    tried = [str(binary), "--port", "0", "--tls-port", str(free_port()), "--tls-cert-file", "/nowhere"]
    said = subprocess.run(tried, capture_output=True, encoding="utf-8", timeout=20, check=False).stdout
    if NO_TLS in said:
        pytest.skip(f"{binary} was built without TLS; Debian's redis-server has it")
    return binary
