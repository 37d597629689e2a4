"""What operators see in Redis, and the damage they or a crash may do there: on fakeredis and a real Redis."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import pytest
import redis

from reference_server.adapters.redis_notifier import parse_notice
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.interfaces import Accepted, Page, Rebuild, Untrusted
from reference_server.message import Message, to_entry
from tests.contracts.queue_contract import BOB, LIMIT, START, Epochs, message, messages, rebuilt, seqs


def earlier_entry(message: Message) -> str:
    """The entry as version 0.1 wrote it."""
    named = {"seq": message.seq, "timestamp_us": message.timestamp_us, "id": message.id}
    named |= {"from": message.sender, "to": message.recipient, "message": message.content}
    return json.dumps(named | {"client_message_id": message.client_message_id}, separators=(",", ":"))


LIST, HEAD = "messages:bob", "head:bob"
LAST = b"what came last"
MONTH_S = 30 * 24 * 3600


class RedisKeysContract:
    """Inherit it and give the fixtures `queue` (a RedisQueue of LIMIT, TTL 30 days) and `client`."""

    @pytest.mark.plan("QUEUE-03", light=True)
    def test_the_list_is_named_after_the_user_and_newest_first(
        self, queue: RedisQueue, client: redis.Redis
    ) -> None:
        rebuilt(queue, messages(1, 3))
        assert client.llen(LIST) == 3
        assert client.lindex(LIST, 0) == to_entry(message(3)).encode()

    @pytest.mark.plan("QUEUE-04", light=True)
    def test_no_list_grows_beyond_the_limit(self, queue: RedisQueue, client: redis.Redis) -> None:
        rebuilt(queue, messages(1, LIMIT + 2))
        queue.push(BOB, messages(LIMIT + 3, LIMIT + 9))
        assert client.llen(LIST) == LIMIT

    @pytest.mark.plan("QUEUE-05", light=True)
    def test_every_key_lives_thirty_days_after_its_last_push(
        self, queue: RedisQueue, client: redis.Redis
    ) -> None:
        queue.push("claimed", ())
        rebuilt(queue, messages(1, 2))
        for key in (LIST, HEAD, "head:claimed"):
            assert MONTH_S - 60 < client.ttl(key) <= MONTH_S, key
        for key in (LIST, HEAD):
            client.expire(key, 100)
        queue.push(BOB, [message(3)])
        for key in (LIST, HEAD):
            assert client.ttl(key) > MONTH_S - 60, key

    def test_a_probe_leaves_nothing(self, queue: RedisQueue, client: redis.Redis) -> None:
        assert queue.probe()
        assert client.keys("*:") == []

    @pytest.mark.parametrize(
        "damage",
        [
            lambda client: client.lpush(LIST, "not JSON"),
            lambda client: client.rpush(LIST, "not JSON"),
            lambda client: client.lset(LIST, 0, "not JSON"),
            lambda client: client.lset(LIST, 0, '{"seq":2,"timestamp_us":1,"id":"an old one"}'),
            lambda client: client.lset(LIST, 0, '[2,1,"an old one"]'),
            lambda client: client.lset(LIST, 1, '[2,2000,"no message"]'),
            lambda client: client.lset(LIST, 1, to_entry(message(2)) + "," + to_entry(message(2))),
            lambda client: client.lset(LIST, 1, '[2,2000,"open'),
            lambda client: client.lset(LIST, 1, "not JSON"),
            lambda client: client.lset(LIST, 1, to_entry(message(1))),
            lambda client: client.lset(LIST, 1, '{"seq":2,"timestamp_us":2000,"broken'),
            lambda client: client.lset(LIST, 1, to_entry(message(2, recipient="mallory"))),
            lambda client: client.lset(LIST, 2, to_entry(message(1)).replace('"hi"', "5")),
            lambda client: client.lset(LIST, 1, "[" * 100_000),
            lambda client: client.lpop(LIST),
            lambda client: client.rpop(LIST),
            lambda client: client.delete(LIST),
            lambda client: client.delete(HEAD),
            lambda client: (client.delete(LIST), client.set(LIST, "a string")),
            lambda client: (client.delete(LIST), client.hset(LIST, "a", "hash")),
            lambda client: (client.delete(HEAD), client.set(HEAD, "a string")),
            lambda client: (client.delete(HEAD), client.lpush(HEAD, "a list")),
            lambda client: client.hdel(HEAD, "first"),
            lambda client: client.hset(HEAD, "seq", "many"),
            lambda client: client.hset(HEAD, "seq", "7"),
            lambda client: client.hset(HEAD, "writer", "0" * 40),
        ],
    )
    def test_a_damaged_list_is_never_served_and_rebuilt_on_the_next_push(
        self, queue: RedisQueue, client: redis.Redis, damage: Callable[[redis.Redis], Any]
    ) -> None:
        rebuilt(queue, messages(1, 3))
        damage(client)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        asked = queue.push(BOB, ())
        assert isinstance(asked, Rebuild)
        assert queue.push(BOB, messages(1, 3), asked.claim) == Accepted(3)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]
        assert client.llen(LIST) == 3

    @pytest.mark.plan("QUEUE-09", light=True)
    def test_a_bad_entry_is_logged(
        self, queue: RedisQueue, client: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        rebuilt(queue, messages(1, 3))
        client.lset(LIST, 1, '{"seq":2,"timestamp_us":2000,"broken')
        queue.read(BOB, START, 10)
        assert "Queue of 'bob' has a bad entry" in caplog.text
        assert "broken" in caplog.text

    def test_entries_of_version_0_1_are_read_and_replaced_in_silence(
        self, queue: RedisQueue, client: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        rebuilt(queue, messages(1, 3))
        for seq in (1, 2, 3):
            client.lset(LIST, 3 - seq, earlier_entry(message(seq)))
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]
        assert queue.push(BOB, [message(4)]) == Accepted(4)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3, 4]
        client.lset(LIST, 0, earlier_entry(message(4)))
        assert isinstance(queue.push(BOB, messages(4, 4)), Rebuild)
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

    def test_an_entry_pushed_by_hand_is_logged_when_the_list_is_rebuilt(
        self, queue: RedisQueue, client: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        rebuilt(queue, messages(1, 3))
        client.lpush(LIST, "not JSON")
        queue.push(BOB, ())
        assert "Queue of 'bob' is rebuilt: list has 4 entries, not 3" in caplog.text

    def test_a_claim_of_another_redis_process_is_not_honoured(
        self, queue: RedisQueue, client: redis.Redis
    ) -> None:
        """A snapshot may bring back a claim that a slow reader still holds."""
        asked = queue.push(BOB, ())
        assert isinstance(asked, Rebuild)
        client.hset(HEAD, "claim_writer", "0" * 40)
        again = queue.push(BOB, messages(1, 2), asked.claim)
        assert isinstance(again, Rebuild)
        assert again.claim != asked.claim

    def test_a_list_with_an_evicted_head_is_not_served(self, queue: RedisQueue, client: redis.Redis) -> None:
        rebuilt(queue, messages(1, 3))
        client.delete(HEAD)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert isinstance(queue.push(BOB, [message(4)]), Rebuild)

    def test_a_long_list_is_read_from_its_middle(self, client: redis.Redis, queue: RedisQueue) -> None:
        long = RedisQueue(client, queue.breaker, Epochs(), limit=1000, ttl_s=100)
        rebuilt(long, messages(1, 1000))
        page = long.read(BOB, type(START)(since_us=499_500), 100)
        assert isinstance(page, Page)
        assert seqs(page) == list(range(500, 600))
        assert page.has_more

    def test_a_push_notifies_and_a_repeated_one_does_not(
        self, queue: RedisQueue, client: redis.Redis
    ) -> None:
        rebuilt(queue, [])
        with client.pubsub() as heard:  # type: ignore[no-untyped-call]
            heard.subscribe("mailboxes")
            assert next(iter(heard.listen()))["type"] == "subscribe"
            before = int(client.get("pushes") or 0)
            queue.push(BOB, [message(1)])
            queue.push(BOB, [message(1)])
            client.publish("mailboxes", LAST)
            data = (notification["data"] for notification in heard.listen())
            notices = [parse_notice(each) for each in takewhile(lambda each: each != LAST, data)]
        ((_, number),) = [notice for notice in notices if notice[0] == BOB]  # other servers may push, too
        assert number is not None
        assert before < number <= int(client.get("pushes") or 0)
