"""A replica set with a secondary that lags: no URL makes the server read from it, or call it a primary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest
import redis

from harness.stack import Services
from harness.stack.finding import locate
from harness.stack.waiting import wait_until
from reference_server.adapters import mongo
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import (
    NO_CONFIGURATION,
    NO_PRIMARY_HERE,
    OTHER_REPLICA_SET,
    Document,
    Mongo,
)
from reference_server.adapters.mongo_store import MongoStore
from reference_server.errors import Misconfigured, StoreUnavailable
from tests.edge.server.process import Chat, ready, target
from tests.edge.server.replica_set import Member, ReplicaSet, replica_set

FROM_ANYBODY = "&readPreference=secondaryPreferred&readConcernLevel=local&w=1&journal=false"
DATABASE = "of-two-members"
SENDS = 30
READ_ONLY = NO_PRIMARY_HERE.format(state="a secondary")


@pytest.fixture(scope="module")
def mongod(services: Services) -> Path:
    """The program, to start more of them."""
    program = locate("mongod", install=False, say=lambda line: None).binary
    if program is None:
        pytest.skip("MONGODB_URL names a MongoDB that runs already: there is no program to start another")
    return program


@pytest.fixture(scope="module")
def members(mongod: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(mongod, tmp_path_factory.mktemp("members")) as both:
        yield both


@pytest.fixture
def secondary(members: ReplicaSet) -> Iterator[pymongo.MongoClient[Document]]:
    """Asks the secondary itself what it has."""
    with pymongo.MongoClient[Document](members.at_secondary) as client:
        yield client


def read_by_the_adapter(url: str, mailbox: str) -> int:
    """How many messages the server's own client finds with a URL as it is written."""
    client = mongo.connect(url, timeout_ms=5000)
    store = MongoStore(Mongo(client, DATABASE, CircuitBreaker("MongoDB", 3), timeout_s=5.0), window=100)
    try:
        return len(store.tail(mailbox, 100))
    finally:
        client.close()


def test_a_mailbox_is_rebuilt_from_the_primary(
    services: Services, members: ReplicaSet, secondary: pymongo.MongoClient[Document], tmp_path: Path
) -> None:
    there = secondary[DATABASE]
    url = members.url + FROM_ANYBODY
    server = target(services, tmp_path, MONGODB_URL=url, MONGODB_DATABASE=DATABASE)
    server.start()
    chat: Chat | None = None
    try:
        chat = Chat(server.base_url)
        bob = chat.bob.username
        wait_until(
            lambda: there.users.find_one({"_id": bob}), deadline_s=10, what="the secondary to have bob"
        )
        members.lag()
        assert [chat.send().status for _ in range(SENDS)] == [200] * SENDS
        with redis.Redis.from_url(services.redis_direct_url) as queues:
            assert queues.delete(f"messages:{bob}", f"head:{bob}") == 2
        assert chat.read_all() == chat.acked
        assert read_by_the_adapter(members.url + FROM_ANYBODY, bob) == SENDS
        assert there.messages.count_documents({"recipient": bob}) == 0, "the secondary did not lag"
    finally:
        if chat is not None:
            chat.close()
        server.stop()


def test_readiness_tells_that_the_url_leads_to_a_secondary(
    services: Services, members: ReplicaSet, tmp_path: Path
) -> None:
    server = target(services, tmp_path, MONGODB_URL=members.at_secondary + FROM_ANYBODY)
    server.start()
    try:
        wait_until(
            lambda: ready(server.base_url)["stores"]["mongodb"].get("reason") == READ_ONLY,
            deadline_s=20,
            what="the readiness page to say why MongoDB cannot be used",
        )
        assert ready(server.base_url)["status"] == "degraded"
    finally:
        server.stop()


def told(url: str) -> list[object]:
    """What is known of MongoDB after an operation was tried, and after the next probe."""
    client = mongo.connect(url, timeout_ms=5000)
    breaker = CircuitBreaker("MongoDB", 3)
    database = Mongo(client, DATABASE, breaker, timeout_s=5.0)
    known: list[object] = []
    try:
        with pytest.raises(StoreUnavailable), database.operation():
            known.append("an operation was begun")
        known.append(breaker.reason)
        assert not database.probe()
        known.append(breaker.reason)
    finally:
        client.close()
    assert all(isinstance(reason, Misconfigured) for reason in known), known
    return [str(reason) for reason in known]


@pytest.mark.parametrize("parameters", ["", FROM_ANYBODY])
def test_a_secondary_is_not_taken_for_a_primary(members: ReplicaSet, parameters: str) -> None:
    assert told(members.at_secondary + parameters) == [READ_ONLY] * 2


def test_the_name_of_another_set_is_told(members: ReplicaSet) -> None:
    reason = OTHER_REPLICA_SET.format(name="other")
    one = f"mongodb://{members.primary.host}/?replicaSet=other"
    for url in (members.named("other"), one, one + "&directConnection=true"):
        assert told(url) == [reason] * 2


def test_a_replica_set_without_a_configuration_is_told(mongod: Path, tmp_path: Path) -> None:
    member = Member(mongod, folder=tmp_path / "data", log=tmp_path / "mongod.log")
    try:
        member.start()
        for parameters in ("", "?directConnection=true"):
            assert told(f"mongodb://{member.host}/{parameters}") == [NO_CONFIGURATION] * 2
    finally:
        member.kill()
