"""A replica set of three with members missing: what the store answers, and what it must refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pymongo
import pytest

from harness.errors import NotHere
from harness.stack import Services
from harness.stack.replica_set import ReplicaSet
from harness.stack.waiting import wait_until
from reference_server.adapters import mongo
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Document, Mongo
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_users import MongoUsers
from reference_server.errors import OutcomeUnknown, StoreUnavailable
from reference_server.message import Message
from tests.contracts.store_contract import draft

ACKS_WITHIN_S = 60.0
PATIENTLY_S, SOON_S = 5.0, 0.5
"""A primary without a majority steps down after 2 s: until then it must be asked."""


@pytest.fixture(scope="module")
def members(services: Services) -> Iterator[ReplicaSet]:
    try:
        with services.replica_set() as members:
            yield members
    except NotHere as error:
        pytest.skip(str(error))


@pytest.fixture
def client(members: ReplicaSet) -> Iterator[pymongo.MongoClient[Document]]:
    members.rejoin()
    with mongo.connect(members.url, timeout_ms=int(PATIENTLY_S * 1000)) as client:
        yield client


def access(client: pymongo.MongoClient[Document], database: str, timeout_s: float) -> Mongo:
    return Mongo(client, database, CircuitBreaker("MongoDB", 100), timeout_s=timeout_s)


def acked(store: MongoStore, content: str) -> Message:
    """Send until it is acked: also on a busy machine, which holds an election of its own now and then."""
    one = draft(content, client_id=f"the id of {content}")
    return wait_until(
        lambda: store.append(one, time.time_ns() // 1000),
        deadline_s=ACKS_WITHIN_S,
        what="an ack",
        retry_on=(StoreUnavailable, OutcomeUnknown),
    )


def store_for_bob(client: pymongo.MongoClient[Document], name: str) -> MongoStore:
    database = access(client, name, PATIENTLY_S)
    store = MongoStore(database, window=100)

    def is_made() -> bool:
        store.prepare()
        MongoUsers(database).add("bob", "a hash")
        return True

    wait_until(is_made, deadline_s=ACKS_WITHIN_S, what="a database", retry_on=(StoreUnavailable,))
    return store


def test_no_queue_is_rebuilt_from_a_primary_without_a_majority(
    members: ReplicaSet, client: pymongo.MongoClient[Document]
) -> None:
    """It may have been replaced: a list that is rebuilt from it could hide what the new primary has acked."""
    store = store_for_bob(client, "cut-off")
    sent = acked(store, "acked")
    assert store.tail("bob", 10) == [sent]
    assert access(client, "cut-off", PATIENTLY_S).probe()
    for member in members.secondaries():
        member.pause()
    soon = access(client, "cut-off", SOON_S)
    with pytest.raises(StoreUnavailable):
        MongoStore(soon, window=100).tail("bob", 10)
    assert not soon.probe(), "a store that confirms no write is not usable"
    with pytest.raises((OutcomeUnknown, StoreUnavailable)):
        MongoStore(soon, window=100).append(draft("not acked"), time.time_ns() // 1000)
    members.rejoin()
    assert acked(store, "acked later").seq > sent.seq


def test_indexes_are_created_while_a_member_is_away(
    members: ReplicaSet, client: pymongo.MongoClient[Document]
) -> None:
    """By default MongoDB waits for all members that vote, but only where there are messages already."""
    database = access(client, "upgraded", PATIENTLY_S)
    members.secondaries()[0].kill()
    database.collection("messages").insert_one({"recipient": "bob", "seq": 1})
    MongoStore(database, window=100).prepare()
    assert len(database.collection("messages").index_information()) > 1


def test_a_member_that_copies_everything_anew_has_what_was_acked_meanwhile(
    members: ReplicaSet, client: pymongo.MongoClient[Document]
) -> None:
    """It lost its disk. In the end it is the primary."""
    store = store_for_bob(client, "copied")
    anew, *_ = members.secondaries()
    sent = [acked(store, "before")]
    anew.lose_data()
    sent.append(acked(store, "while it is away"))
    anew.start()

    def has_copied() -> bool:
        sent.append(acked(store, f"while it copies: {len(sent)}"))
        return bool(anew.ask({"hello": 1}).get("secondary"))

    def is_primary() -> bool:
        anew.ask({"replSetStepUp": 1})
        return members.primary() is anew

    wait_until(has_copied, deadline_s=ACKS_WITHIN_S, what="it to have everything")
    wait_until(is_primary, deadline_s=ACKS_WITHIN_S, what="it to be the primary")

    def has_all() -> bool:
        return store.tail("bob", 1000) == sent

    wait_until(has_all, deadline_s=ACKS_WITHIN_S, what="all messages", retry_on=(StoreUnavailable,))
