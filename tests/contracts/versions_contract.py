"""Workers of different versions at one mailbox, as in a rolling deploy: on fakeredis and on a real Redis."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Generator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from reference_server.adapters import redis_queue
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.adapters.redis_round_trips import Script
from reference_server.interfaces import Accepted, Cursor, Incomplete, Page, Rebuild, Untrusted
from reference_server.message import Message, to_entry
from tests.contracts.queue_contract import BOB, START, Epochs, message, messages, rebuilt, seqs

LIST, HEAD = "messages:bob", "head:bob"
LIMIT = 20
TTL_S = 100
ROUNDS = 10
SCRIPTS_OF_0_1 = Path(__file__).parent / "version_0_1"
Push = Generator[None, None, None]


class Version01:
    """The queue as version 0.1 has it: its scripts, and its entries, which are JSON objects."""

    def __init__(self, client: redis.Redis) -> None:
        self._scripts = {name: client.register_script(script_of_0_1(name)) for name in ("push", "read")}
        self._client = client
        self._identity = ""

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        first_seq, last_us = (batch[0].seq, batch[-1].timestamp_us) if batch else (1, 0)
        arguments = [claim or "", secrets.token_hex(8), LIMIT, TTL_S * 1000, first_seq, last_us]
        state, value, *_ = self._run("push", recipient, arguments + [entry_of_0_1(each) for each in batch])
        return Accepted(value) if state == b"accepted" else Rebuild(value.decode())

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        state, *rest = self._run("read", recipient, [cursor.since_us, limit + 1])
        if state == b"untrusted":
            return Untrusted(rest[0].decode())
        if state == b"page":
            try:
                found = [message_of_0_1(entry) for entry in reversed(rest[-1])]
            except (ValueError, KeyError, TypeError):
                state = b"damaged"
        if state == b"damaged":
            self._client.delete(HEAD)
            return Untrusted("a bad entry")
        return Page(found[:limit], has_more=len(found) > limit, gap=False)

    def _run(self, name: str, recipient: str, arguments: Sequence[Any]) -> Any:
        keys = [f"messages:{recipient}", f"head:{recipient}", "pushes"]

        def run() -> Any:
            return self._scripts[name](keys=keys, args=[self._identity, Epochs.now, *arguments])

        if (reply := run())[0] == b"stranger":
            self._identity = reply[1].decode()
            reply = run()
        return reply


class LaterVersion(RedisQueue):
    """A version to come: it marks what it writes, and its entries have one field more."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, CircuitBreaker("Redis", 2), Epochs(), limit=LIMIT, ttl_s=TTL_S)
        for name, attribute in (("push", "_push"), ("read", "_read")):
            text = replaced(redis_queue.script(name), "local FORMAT = 1", "local FORMAT = 2")
            if name == "push":
                text = replaced(text, "'writer', writer,", "'writer', writer, 'format', FORMAT,")
            setattr(self, attribute, client.register_script(text))

    def _run(self, script: Script, recipient: str, arguments: Sequence[Any]) -> Any:
        if script is self._push:
            return super()._run(script, recipient, [*arguments[:6], *map(longer, arguments[6:])])
        reply = super()._run(script, recipient, arguments)
        if reply[0] == b"page":
            entries = [entry[:7] if isinstance(entry, list) else entry for entry in json.loads(reply[-1])]
            reply[-1] = json.dumps(entries, ensure_ascii=False).encode()
        return reply


def script_of_0_1(name: str) -> str:
    return (SCRIPTS_OF_0_1 / f"{name}.lua").read_text(encoding="utf-8")


def entry_of_0_1(message: Message) -> str:
    named = {"seq": message.seq, "timestamp_us": message.timestamp_us, "id": message.id}
    named |= {"from": message.sender, "to": message.recipient, "message": message.content}
    named |= {"client_message_id": message.client_message_id}
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))


def message_of_0_1(entry: bytes) -> Message:
    """Raises for anything else, as version 0.1 did."""
    fields = json.loads(entry)
    place = fields["seq"], fields["timestamp_us"], fields["id"]
    return Message(*place, fields["from"], fields["to"], fields["message"], fields["client_message_id"])


def longer(entry: str) -> str:
    """An entry with one field more."""
    return entry[:-1] + ',"what a later version adds"]'


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def current(client: redis.Redis) -> RedisQueue:
    return RedisQueue(client, CircuitBreaker("Redis", 2), Epochs(), limit=LIMIT, ttl_s=TTL_S)


VERSIONS: dict[str, Any] = {"0.1": Version01, "current": current, "later": LaterVersion}


class Store:
    """The messages that are durable."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self) -> Message:
        self.messages.append(message(len(self.messages) + 1))
        return self.messages[-1]

    def tail(self) -> list[Message]:
        return self.messages[-LIMIT:]

    def following(self, seq: int) -> list[Message]:
        return self.messages[seq:]


class Worker:
    """Sends and polls as CatchUp and Messenger do, one command at a time: others may come in between."""

    def __init__(self, queue: Any, store: Store) -> None:
        self.queue, self.store = queue, store
        self.acked = 0
        self.under_way: Push | None = None

    def begin_send(self) -> None:
        """Store a message; its push is under way."""
        self.finish()
        self.under_way = self._push([self.store.append()])

    def step(self) -> None:
        """Let the push under way come one command further."""
        if self.under_way is not None and next(self.under_way, "ended") == "ended":
            self.under_way = None

    def finish(self) -> None:
        while self.under_way is not None:
            self.step()

    def poll(self, since: int) -> list[int]:
        """The seqs after this one."""
        cursor = Cursor(since * 1000)
        for _ in range(ROUNDS):
            found = self.queue.read(BOB, cursor, LIMIT + 1)
            if isinstance(found, Page):
                return seqs(found)
            if isinstance(found, Incomplete):
                return [each.seq for each in self.store.following(since)]
            for _ in self._push([]):
                pass
        raise AssertionError(f"the queue is never trusted: {found}")

    def _push(self, batch: Sequence[Message]) -> Push:
        target, claim = (batch[-1].seq if batch else 0), None
        for _ in range(ROUNDS):
            answer = self.queue.push(BOB, batch, claim)
            if isinstance(answer, Accepted) and answer.seq >= target:
                self.acked = max(self.acked, target)
                return
            if isinstance(answer, Rebuild):
                claim, batch = answer.claim, self.store.tail()
            else:
                claim, batch = None, self.store.following(answer.seq)
            yield
        raise AssertionError("the queue does not catch up")


class VersionsContract:
    """Inherit it and give the fixture `client`."""

    @pytest.mark.parametrize("other", ["0.1", "later"])
    def test_what_the_other_version_wrote_is_served(self, client: redis.Redis, other: str) -> None:
        store = Store()
        ours, theirs = Worker(current(client), store), Worker(VERSIONS[other](client), store)
        for sender, reader in ((theirs, ours), (ours, theirs), (theirs, theirs), (ours, ours)):
            for _ in range(3):
                sender.begin_send()
                sender.finish()
            newest = len(store.messages)
            assert reader.poll(newest - 3) == [newest - 2, newest - 1, newest]

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize(
        "versions", [("0.1", "current"), ("current", "later"), ("0.1", "current", "later")]
    )
    def test_no_acked_message_is_missed_whoever_wrote_the_list(
        self, client: redis.Redis, versions: tuple[str, ...], seed: int
    ) -> None:
        """Every push may be interrupted by the others between any two of its commands."""
        random, store = Random(seed), Store()
        workers = [Worker(VERSIONS[version](client), store) for version in versions]
        for _ in range(100):
            worker, what = random.choice(workers), random.random()
            if what < 0.25:
                worker.begin_send()
            elif what < 0.7:
                worker.step()
            else:
                acked = max(each.acked for each in workers)
                since = random.randint(max(0, acked - LIMIT // 2), acked)
                found = worker.poll(since)
                assert found == list(range(since + 1, since + 1 + len(found)))
                assert since + len(found) >= acked

    def test_a_list_of_a_later_version_is_rebuilt_in_silence(
        self, client: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What it contains is never guessed, even where it looks right."""
        queue = current(client)
        rebuilt(queue, messages(1, 3))
        client.hset(HEAD, "format", "2")
        assert queue.read(BOB, START, 10) == Untrusted("written by a later version")
        asked = queue.push(BOB, [message(4)])
        assert isinstance(asked, Rebuild)
        assert queue.push(BOB, messages(1, 4), asked.claim) == Accepted(4)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3, 4]
        assert not client.hexists(HEAD, "format")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

    @pytest.mark.parametrize("mark", ["2", "10", "1.5", "two", ""])
    def test_any_mark_that_is_not_this_format_is_a_later_one(self, client: redis.Redis, mark: str) -> None:
        queue = current(client)
        rebuilt(queue, messages(1, 3))
        client.hset(HEAD, "format", mark)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert isinstance(queue.push(BOB, ()), Rebuild)

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_an_entry_with_more_fields_is_not_read_as_if_it_had_fewer(
        self, client: redis.Redis, place: int
    ) -> None:
        queue = current(client)
        rebuilt(queue, messages(1, 3))
        client.lset(LIST, place, longer(to_entry(message(3 - place))))
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert isinstance(queue.push(BOB, ()), Rebuild)

    def test_this_version_marks_nothing(self, client: redis.Redis) -> None:
        """So that earlier versions, which know no mark, and the next one read what it writes."""
        rebuilt(current(client), messages(1, 3))
        assert set(client.hkeys(HEAD)) == {b"writer", b"seq", b"timestamp_us", b"first"}
