"""The MongoDB store keeps the store's contract on a real MongoDB, under concurrency and lost answers too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pymongo
import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from harness.stack import Services
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Document, Mongo, connect
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_outbox import MongoOutbox
from reference_server.adapters.mongo_pages import Pages, _Poll
from reference_server.adapters.mongo_store import MongoStore, _Sending
from reference_server.adapters.mongo_users import MongoUsers
from reference_server.errors import OutcomeUnknown, StoreUnavailable
from reference_server.interfaces import Page, UserStore
from reference_server.message import Draft, Message
from reference_server.turns import MOST
from tests.contracts.pages_contract import PagesContract
from tests.contracts.store_contract import NOON_US, WINDOW, Delete, EpochOf, StoreContract, draft


@pytest.fixture
def store(mongodb: Mongo) -> MongoStore:
    return MongoStore(mongodb, window=WINDOW)


@pytest.fixture
def outbox(mongodb: Mongo) -> MongoOutbox:
    return MongoOutbox(mongodb)


@pytest.fixture
def epoch_of(mongodb: Mongo) -> EpochOf:
    return MongoEpochs(mongodb).epoch


@pytest.fixture
def users(mongodb: Mongo) -> MongoUsers:
    return MongoUsers(mongodb)


@pytest.fixture
def pages(mongodb: Mongo) -> Pages:
    return Pages(mongodb)


@pytest.fixture
def delete(mongodb: Mongo) -> Delete:
    messages = mongodb.collection("messages")
    return lambda recipient, seq: messages.delete_many({"recipient": recipient, "seq": {"$lte": seq}})


class TestMongoStore(StoreContract):
    pass


class TestMongoPages(PagesContract):
    pass


def another_process(mongodb_url: str, database: str) -> tuple[pymongo.MongoClient[Document], MongoStore]:
    client = connect(mongodb_url, timeout_ms=5000)
    return client, MongoStore(
        Mongo(client, database, CircuitBreaker("MongoDB", 3), timeout_s=5.0), window=WINDOW
    )


def persistently(store: MongoStore, wanted: Draft, now_us: int) -> Message:
    """Append, again where a busy machine let the store give up: the client's id makes that safe."""
    give_up_s = time.monotonic() + 30
    while True:
        try:
            return store.append(wanted, now_us)
        except (StoreUnavailable, OutcomeUnknown):
            if time.monotonic() > give_up_s:
                raise


def test_senders_of_several_processes_share_a_mailbox_without_holes(
    store: MongoStore, users: MongoUsers, mongodb_url: str, database: str
) -> None:
    users.add("bob", "hash")
    client, other_store = another_process(mongodb_url, database)

    def send(sender: int) -> list[int]:
        at = (store, other_store)[sender % 2]
        drafts = [draft(f"{sender} {n}", by=f"sender{sender}", client_id=str(n)) for n in range(10)]
        return [persistently(at, each, NOON_US).seq for each in drafts]

    with client, ThreadPoolExecutor(8) as pool:
        acked = list(pool.map(send, range(8)))
    stored = store.tail("bob", 1000)
    assert [message.seq for message in stored] == list(range(1, 81))
    assert all(one.timestamp_us < two.timestamp_us for one, two in pairwise(stored))
    for places in acked:
        assert places == sorted(places)


def test_one_client_id_sent_by_many_at_once_is_one_message(
    store: MongoStore, users: MongoUsers, mongodb_url: str, database: str
) -> None:
    users.add("bob", "hash")
    client, other_store = another_process(mongodb_url, database)
    with client, ThreadPoolExecutor(8) as pool:
        sent = list(
            pool.map(
                lambda n: persistently((store, other_store)[n % 2], draft(client_id="c1"), NOON_US + n),
                range(8),
            )
        )
    assert len({message.id for message in sent}) == 1
    assert store.tail("bob", 10) == [sent[0]]


def test_nothing_is_stored_without_its_indexes_even_if_the_database_is_dropped_meanwhile(
    store: MongoStore, users: MongoUsers, mongodb_url: str, database: str
) -> None:
    users.add("bob", "hash")
    store.append(draft(), NOON_US)
    with pymongo.MongoClient[Document](mongodb_url) as client:
        client.drop_database(database)
        users.add("bob", "hash")
        assert store.append(draft(), NOON_US).seq == 1
        indexes = client[database]["messages"].index_information()
        assert indexes["recipient_seq"]["unique"]
        assert indexes["sender_client_message_id"]["unique"]
        client[database]["messages"].drop_indexes()
        assert store.append(draft(), NOON_US).seq == 2
        assert client[database]["messages"].index_information()["recipient_seq"]["unique"]


def test_every_query_is_served_by_an_index(
    store: MongoStore, users: MongoUsers, mongodb_url: str, database: str
) -> None:
    users.add("bob", "hash")
    store.append(draft(), NOON_US)
    both_ways = [{"recipient": "bob", "sender": "alice"}, {"recipient": "alice", "sender": "bob"}]
    queries: list[tuple[Document, list[tuple[str, int]]]] = [
        ({"recipient": "bob"}, [("seq", -1)]),
        ({"recipient": "bob", "seq": {"$gt": 3}}, [("seq", 1)]),
        ({"recipient": "bob", "timestamp_us": {"$gt": 3}}, [("timestamp_us", 1)]),
        ({"recipient": "bob", "timestamp_us": {"$gt": 3}, "seq": {"$gt": 3}}, [("seq", 1)]),
        ({"$or": both_ways}, [("timestamp_us", -1)]),
        ({"$or": [_Poll(f"bob{number}", 3, 100).where() for number in range(MOST)]}, [("timestamp_us", 1)]),
    ]
    with pymongo.MongoClient[Document](mongodb_url) as client:
        for where, order in queries:
            plan = str(
                client[database]["messages"].find(where).sort(order).explain()["queryPlanner"]["winningPlan"]
            )
            assert "IXSCAN" in plan, where
            assert "COLLSCAN" not in plan, where
            assert "'SORT'" not in plan, where


def test_a_shared_query_reads_of_each_mailbox_what_is_new(mongodb: Mongo, store: MongoStore) -> None:
    """Not all that a mailbox has."""
    store.prepare()
    for to in ("bob", "carol"):
        MongoUsers(mongodb).add(to, "hash")
        for number in range(20):
            store.append(draft(to=to), NOON_US + number)
    newest = [_Poll(to, NOON_US + 19, 100).where() for to in ("bob", "carol")]
    found = mongodb.durable("messages").find({"$or": newest}, sort=[("timestamp_us", 1)], limit=8)
    read = found.explain()["executionStats"]
    assert (read["nReturned"], read["totalKeysExamined"], read["totalDocsExamined"]) == (2, 2, 2)


class Commands(CommandListener):
    """Keeps the commands of a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.commands: list[Mapping[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == self._name:
            self.commands.append(event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to do."""


class BreakOnAppend(CommandListener):
    """Does something at the moment the next append to `messages` leaves."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self.armed = False

    def started(self, event: CommandStartedEvent) -> None:
        if self.armed and event.command_name == "update":
            self.armed = False
            self._act()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to do."""


def test_every_append_asks_for_a_majority_and_its_journal(services: Services, database: str) -> None:
    """Whatever the client's own write concern is: the driver adds none to a command."""
    appends = Commands("update")
    with pymongo.MongoClient[Document](services.mongodb_url, w=1, event_listeners=[appends]) as client:
        mongodb = Mongo(client, database, CircuitBreaker("MongoDB", failures_to_open=3), timeout_s=5.0)
        MongoUsers(mongodb).add("bob", "hash")
        store = MongoStore(mongodb, window=WINDOW)
        for text in ("the first", "the second"):
            store.append(draft(text), NOON_US)
    assert len(appends.commands) >= 2
    assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in appends.commands)


def test_every_page_is_of_what_a_majority_has_on_the_primary_and_in_time(
    services: Services, database: str
) -> None:
    """Whatever the URL says: the driver adds no read concern to a command. One batch has all of a page."""
    queries, more = Commands("find"), Commands("getMore")
    options = {"readPreference": "secondaryPreferred", "readConcernLevel": "local"}
    with pymongo.MongoClient[Document](
        services.mongodb_url, event_listeners=[queries, more], **options
    ) as client:
        mongodb = Mongo(client, database, CircuitBreaker("MongoDB", failures_to_open=3), timeout_s=5.0)
        mongodb.collection("messages").insert_many(
            {
                "_id": seq,
                "recipient": "bob",
                "seq": seq,
                "sender": "alice",
                "content": "",
                "timestamp_us": seq,
            }
            for seq in range(1, 201)
        )
        pages = Pages(mongodb)
        assert len(pages.after("bob", 1, 100).messages) == 100
        pages._read_all("", [_Poll("bob", 200, 100), _Poll("carol", 0, 100)])
    assert len(queries.commands) == 2
    assert not more.commands
    for command in queries.commands:
        assert command["readConcern"] == {"level": "majority"}
        assert 0 < command["maxTimeMS"] <= 5000
        assert command["$readPreference"]["mode"] != options["readPreference"]


def test_a_poll_has_what_was_acked_before_it_began_whoever_asks_as_well(
    store: MongoStore, users: UserStore, mongodb: Mongo
) -> None:
    """Fifty polls a mailbox, side by side with those of others, each right after an ack."""
    store.prepare()
    pages = Pages(mongodb)

    def chat(name: str) -> None:
        users.add(name, "hash")
        cursor = 0
        for number in range(1, 51):
            sent = persistently(store, draft(to=name, client_id=f"{number} to {name}"), NOON_US)
            page = pages.after(name, cursor, 100)
            assert page == Page([sent], has_more=False, gap=False)
            cursor = sent.timestamp_us
            assert pages.after(name, cursor, 100) == Page([], has_more=False, gap=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(chat, [f"user{number}" for number in range(8)]))


class TestLostAnswers:
    """What a send is told when the network fails between its insert and the answer."""

    @pytest.fixture
    def listener(self, services: Services) -> Iterator[BreakOnAppend]:
        listener = BreakOnAppend(lambda: None)
        yield listener
        services.proxies["mongodb"].heal()

    @pytest.fixture
    def store(self, services: Services, database: str, listener: BreakOnAppend) -> Iterator[MongoStore]:
        client = pymongo.MongoClient[Document](
            services.mongodb_url,
            w="majority",
            retryWrites=False,
            event_listeners=[listener],
            serverSelectionTimeoutMS=400,
        )
        breaker = CircuitBreaker("MongoDB", failures_to_open=3)
        mongodb = Mongo(client, database, breaker, timeout_s=0.6)
        MongoUsers(mongodb).add("bob", "hash")
        store = MongoStore(mongodb, window=WINDOW)
        store.append(draft("before"), NOON_US)
        yield store
        client.close()

    @pytest.fixture
    def witness(self, mongodb: Mongo) -> MongoStore:
        return MongoStore(mongodb, window=WINDOW)

    def test_a_lost_answer_is_unknown_and_the_retry_finds_the_message(
        self, store: MongoStore, witness: MongoStore, services: Services, listener: BreakOnAppend
    ) -> None:
        proxy = services.proxies["mongodb"]
        listener._act = lambda: proxy.add_toxic("timeout", "downstream", timeout=0)
        listener.armed = True
        with pytest.raises(OutcomeUnknown):
            store.append(draft("precious", client_id="c1"), NOON_US)
        proxy.heal()
        stored = witness.tail("bob", 1)[0]
        assert stored.content == "precious"
        assert witness.append(draft("precious", client_id="c1"), NOON_US) == stored
        assert [message.content for message in witness.tail("bob", 10)] == ["before", "precious"]

    def test_a_lost_insert_is_unknown_too(
        self, store: MongoStore, witness: MongoStore, services: Services, listener: BreakOnAppend
    ) -> None:
        proxy = services.proxies["mongodb"]
        listener._act = proxy.disable
        listener.armed = True
        with pytest.raises(OutcomeUnknown):
            store.append(draft("lost"), NOON_US)
        assert [message.content for message in witness.tail("bob", 10)] == ["before"]

    def test_what_never_reached_mongodb_is_certainly_not_stored(
        self, store: MongoStore, witness: MongoStore, services: Services
    ) -> None:
        services.proxies["mongodb"].disable()
        with pytest.raises(StoreUnavailable):
            store.append(draft("refused"), NOON_US)
        assert [message.content for message in witness.tail("bob", 10)] == ["before"]


class TestRememberedHeads:
    """A store remembers the head after its own append; MongoDB decides whether that is still the head."""

    @pytest.fixture
    def other_store(
        self, store: MongoStore, users: MongoUsers, mongodb_url: str, database: str
    ) -> Iterator[MongoStore]:
        users.add("bob", "hash")
        store.append(draft("no. 1"), NOON_US)
        client, other = another_process(mongodb_url, database)
        yield other
        client.close()

    def test_another_process_was_faster(self, store: MongoStore, other_store: MongoStore) -> None:
        """Its clock is a minute ahead, so the timestamp must be its successor."""
        other_store.append(draft("no. 2"), NOON_US + 60_000_000)
        assert store.append(draft("no. 3"), NOON_US).seq == 3
        assert store.append(draft("no. 4"), NOON_US).timestamp_us == NOON_US + 60_000_002
        assert other_store.append(draft("no. 5"), NOON_US).seq == 5

    @pytest.mark.parametrize("lost", [1, 2, 3])
    def test_the_newest_messages_are_gone(
        self, store: MongoStore, other_store: MongoStore, mongodb: Mongo, lost: int
    ) -> None:
        """As after a backup was restored while the server runs: the places must have no hole."""
        for number in (2, 3):
            store.append(draft(f"no. {number}"), NOON_US)
        mongodb.collection("messages").delete_many({"recipient": "bob", "seq": {"$gt": 3 - lost}})
        assert store.append(draft("next"), NOON_US).seq == 4 - lost

    def test_another_message_is_at_its_place(
        self, store: MongoStore, other_store: MongoStore, mongodb: Mongo
    ) -> None:
        mongodb.collection("messages").update_one({"seq": 1}, {"$set": {"timestamp_us": NOON_US + 9}})
        assert store.append(draft("next"), NOON_US).timestamp_us == NOON_US + 10

    def test_of_many_at_once_each_is_told_what_became_of_it(
        self, store: MongoStore, other_store: MongoStore
    ) -> None:
        """The place is taken, one is a replay, and one of the others comes twice."""
        first = other_store.append(draft("no. 2", client_id="first"), NOON_US + 60_000_000)
        contents = [("a", "1"), ("again", "first"), ("b", "2"), ("c", "3"), ("a", "1"), ("d", None)]
        batch = [_Sending(draft(content, client_id=client_id), NOON_US) for content, client_id in contents]
        found = store._append_all("bob", batch)
        assert [each.content for each in found if isinstance(each, Message)] == [
            "a",
            "no. 2",
            "b",
            "c",
            "a",
            "d",
        ]
        assert found[1] == first
        assert found[0] == found[4]
        stored = store.tail("bob", 10)
        assert [message.seq for message in stored] == [1, 2, 3, 4, 5, 6]
        assert {message.content for message in stored} == {"no. 1", "no. 2", "a", "b", "c", "d"}
        assert all(one.timestamp_us < two.timestamp_us for one, two in pairwise(stored))
        assert {message for message in found if isinstance(message, Message)} <= set(stored)
