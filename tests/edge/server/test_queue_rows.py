"""Rows of the plan's queue section that need a whole server, or the promised size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from harness.faults import FaultInjector
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_clients import connect
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import QueueUnavailable
from tests.contracts.queue_contract import BOB, NO_CURSOR, START, Epochs, message, messages, rebuilt, seqs
from tests.contracts.redis_keys_contract import LIST, MONTH_S
from tests.edge.server.process import Chat

PROMISED_LIMIT = 1000
ERROR = "Redis error sending message: Connection refused"


@pytest.fixture
def chat(server: Target) -> Iterator[Chat]:
    chat = Chat(server.base_url)
    yield chat
    chat.close()


@pytest.mark.plan("QUEUE-04", light=True)
def test_a_queue_keeps_the_newest_thousand(client: redis.Redis, redis_client: redis.Redis) -> None:
    queue = RedisQueue(
        redis_client, CircuitBreaker("Redis", 2), Epochs(), limit=PROMISED_LIMIT, ttl_s=MONTH_S
    )
    rebuilt(queue, messages(1, PROMISED_LIMIT))
    for seq in range(PROMISED_LIMIT + 1, PROMISED_LIMIT + 4):
        queue.push(BOB, [message(seq)])
    assert client.llen(LIST) == PROMISED_LIMIT
    assert seqs(queue.read(BOB, NO_CURSOR, 1)) == [4]


@pytest.mark.plan("QUEUE-08")
def test_a_mailbox_without_a_queue_is_empty(chat: Chat, services: Services) -> None:
    with redis.Redis.from_url(services.redis_direct_url) as admin:
        assert not admin.exists(f"messages:{chat.bob.username}")
    polled = chat.poll()
    assert polled.status == 200
    assert (polled.body["messages"], polled.body["count"], polled.body["has_more"]) == ([], 0, False)


@pytest.mark.plan("QUEUE-12")
def test_a_redis_that_is_down_is_told_to_the_caller(ours: Services) -> None:
    unreachable = connect(ours.redis_url, timeout_ms=1000)
    queue = RedisQueue(unreachable, CircuitBreaker("Redis", 2), Epochs(), limit=5, ttl_s=MONTH_S)
    with FaultInjector(ours, lambda kind, **fields: None).redis_refused():
        with pytest.raises(QueueUnavailable, match="Connection refused"):
            queue.push(BOB, [message(1)])
        with pytest.raises(QueueUnavailable, match="Connection refused"):
            queue.read(BOB, START, 10)
    unreachable.close()


@pytest.mark.plan("QUEUE-12")
def test_a_redis_that_is_down_is_logged_with_the_trace(ours: Services, server: Target, chat: Chat) -> None:
    def fails_and_tells() -> bool:
        """Not where a worker found out by itself just before: what its breaker refuses has no trace."""
        wait_until(chat.works_normally, deadline_s=20, what="sends to be queued")
        before = len(server.log.read_text(encoding="utf-8"))
        with FaultInjector(ours, lambda kind, **fields: None).redis_refused():
            sent = chat.send()
        assert (sent.status, sent.body["queued"]) == (200, False)
        _, line, told = server.log.read_text(encoding="utf-8")[before:].partition(ERROR)
        assert line
        return told.lstrip("\n ").startswith("| Traceback") and "redis.exceptions.ConnectionError" in told

    wait_until(fails_and_tells, deadline_s=30, what="a Redis error in the log with its trace")
