"""Which shards a `mongos` would ask for each of the server's commands on the collection of messages.

There is no `mongos` to test with, so this looks at the commands that the server sends to a real MongoDB if it
takes it for one: a command is for one shard if it names the shard key. It does not show how `mongos` answers.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest
from pymongo import monitoring

from harness.stack import Services
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Mongo
from reference_server.adapters.mongo_store import SHARD_KEY
from reference_server.app import Server, create_server
from reference_server.config import Config
from tests.edge.server.process import HIGH_LIMITS, SECRET

BROADCAST = "every shard"
SENDERS, SENDS = 8, 12
PASSWORD = "long enough"

Started = monitoring.CommandStartedEvent
Make = Callable[[bool], "Watched"]


class Watch(monitoring.CommandListener):
    """Keeps the commands on messages."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: Started) -> None:
        if event.command.get(event.command_name) == "messages":
            self.commands.append(dict(event.command))

    def succeeded(self, event: object) -> None:
        """Do nothing."""

    def failed(self, event: object) -> None:
        """Do nothing."""


class Watched:
    """A server in this process, and the commands that it sends."""

    def __init__(self, server: Server, watch: Watch) -> None:
        self.server, self.watch = server, watch
        unique = uuid.uuid4().hex[:8]
        self.users = [f"{name}-{unique}" for name in ("alice", "bob", *map("u{}".format, range(SENDERS)))]
        self._tokens: dict[str, str] = {}
        for user in self.users:
            account = {"username": user, "password": PASSWORD}
            assert self._call("POST", "/register", json=account).status_code == 201
            self._tokens[user] = self._call("POST", "/login", json=account).json["token"]

    def _call(self, method: str, path: str, user: str = "", **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[user]}"} if user else {}
        return self.server.app.test_client().open(
            f"/api/users{path}", method=method, headers=headers, **options
        )

    def send(self, sender: str, to: str, content: str, client_message_id: str | None = None) -> Any:
        body = {"to_username": to, "content": content, "client_message_id": client_message_id}
        given = {name: value for name, value in body.items() if value is not None}
        answer = self._call("POST", "/messages", sender, json=given)
        assert answer.status_code == 200, answer.json
        return answer.json

    def get(self, path: str, user: str) -> Any:
        answer = self._call("GET", f"/messages/{path}", user)
        assert answer.status_code == 200, answer.json
        return answer.json

    def without_redis(self) -> None:
        """Let sends and polls go on with MongoDB alone, until the next step of the relay."""
        breaker = self.server.relay._queue.breaker
        assert isinstance(breaker, CircuitBreaker)
        breaker.open(ConnectionError("for this test"))


@pytest.fixture
def make(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make a server that takes MongoDB for a `mongos`, or not, with a database of its own."""
    database = f"test-{uuid.uuid4().hex[:12]}"
    settings = {
        "SECRET_KEY": SECRET,
        "REDIS_URL": services.redis_direct_url,
        "MONGODB_URL": services.mongodb_direct_url,
        "MONGODB_DATABASE": database,
    }

    made: list[pymongo.MongoClient[Any]] = []

    def make(is_sharded: bool) -> Watched:
        watch = Watch()
        client = functools.partial(pymongo.MongoClient, event_listeners=[watch])

        def kept(*where: Any, **how: Any) -> pymongo.MongoClient[Any]:
            made.append(client(*where, **how))
            return made[-1]

        with monkeypatch.context() as during:
            during.setattr(pymongo, "MongoClient", kept)
            server = create_server(Config.from_env(settings | HIGH_LIMITS), lambda work: work())
        monkeypatch.setattr(Mongo, "is_sharded", is_sharded)
        server.relay.step()
        return Watched(server, watch)

    yield make
    for each in made:
        each.close()
    with pymongo.MongoClient[Any](services.mongodb_direct_url) as client:
        client.drop_database(database)


def everything(chat: Watched) -> None:
    """Do all that a client can ask for, with Redis and without, and what the relay does then."""
    alice, bob = chat.users[:2]
    first = chat.send(alice, bob, "one", "id-1")
    assert chat.send(alice, bob, "one", "id-1")["id"] == first["id"]
    chat.send(bob, alice, "two")
    chat.get(f"poll/{bob}", bob)
    chat.without_redis()
    since = chat.get(f"poll/{bob}", bob)["next_since"]
    chat.send(alice, bob, "three")
    assert [one["message"] for one in chat.get(f"poll/{bob}?since={since}", bob)["messages"]] == ["three"]
    chat.get(f"poll/{bob}?since=2020-01-01T00:00:00.000000Z", bob)
    chat.server.relay.step()
    assert len(chat.get(f"poll/{bob}", bob)["messages"]) == 2
    chat.get(f"conversation/{bob}", alice)
    chat.get("conversations", alice)


def many_at_once(chat: Watched) -> None:
    """Let each of several users send to a mailbox of its own, all at the same time."""
    pairs = list(zip(chat.users[2:], [*chat.users[3:], chat.users[2]], strict=True))

    def send_all(pair: tuple[str, str]) -> None:
        for number in range(SENDS):
            chat.send(*pair, f"no. {number}")

    with ThreadPoolExecutor(len(pairs)) as threads:
        list(threads.map(send_all, pairs))


def shards(command: dict[str, Any]) -> set[str]:
    """Return the mailboxes whose shards a `mongos` would ask for a command, or BROADCAST."""
    if "update" in command:
        wheres = [update["q"] for update in command["updates"]]
    elif "find" in command:
        wheres = command["filter"].get("$or", [command["filter"]])
    else:
        wheres = [{}]
    named = [where.get(SHARD_KEY) for where in wheres]
    return {one if isinstance(one, str) else BROADCAST for one in named}


def about(command: dict[str, Any]) -> str:
    """Return what a command does, without its values."""
    name = next(iter(command))
    where = command.get("filter", {}) if name == "find" else {}
    return f"{name} {' '.join(sorted(where))}".strip()


def test_only_the_list_of_conversations_and_a_start_ask_every_shard(make: Make) -> None:
    chat = make(True)
    everything(chat)
    wide = [one for one in chat.watch.commands if "createIndexes" not in one and BROADCAST in shards(one)]
    assert {about(one) for one in wide} == {"aggregate", "find"}
    assert [one["filter"] for one in wide if "find" in one] == [{}], "the newest messages, at the start"
    assert {next(iter(one)) for one in chat.watch.commands} == {
        "createIndexes",
        "find",
        "update",
        "aggregate",
    }


def test_each_unique_index_that_is_created_begins_with_the_shard_key(make: Make) -> None:
    chat = make(True)
    created = [one for one in chat.watch.commands if "createIndexes" in one]
    unique = [index for one in created for index in one["indexes"] if index.get("unique")]
    assert len(unique) == 2
    assert {next(iter(index["key"])) for index in unique} == {SHARD_KEY}


def test_an_append_is_at_one_shard_and_a_conversation_at_two(make: Make) -> None:
    chat = make(True)
    everything(chat)
    many_at_once(chat)
    updates = [one for one in chat.watch.commands if "update" in one]
    assert {len(shards(one)) for one in updates} == {1}
    assert len(updates) > SENDS
    [conversation] = [one for one in chat.watch.commands if "$or" in one.get("filter", {})]
    assert shards(conversation) == set(chat.users[:2])


def test_otherwise_a_retry_is_looked_for_everywhere_and_appends_share_commands(make: Make) -> None:
    """So these checks can fail."""
    chat = make(False)
    everything(chat)
    many_at_once(chat)
    assert "find client_message_id sender" in {about(one) for one in chat.watch.commands}
    assert max(len(shards(one)) for one in chat.watch.commands if "update" in one) > 1
