"""How the Redis queue handles each failure of Redis and of the network."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_notifier import RedisNotifier
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import QueueUnavailable
from reference_server.interfaces import Cursor
from reference_server.known_heads import KnownHeads
from reference_server.message import Message
from tests.contracts.queue_contract import Epochs
from tests.unit.server.fake_redis import Client, Server


class FailingRedis(Client):
    """A client that raises `error` for every script, and counts how often it was asked."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Server())
        self.error = error
        self.calls = 0

    def check(self, name: str, *rest: Any) -> None:
        if name == "EVALSHA":
            self.calls += 1
            raise self.error


def make(error: Exception) -> tuple[RedisQueue, FailingRedis]:
    client = FailingRedis(error)
    breaker = CircuitBreaker("Redis", failures_to_open=2)
    return RedisQueue(client, breaker, Epochs(), limit=5, ttl_s=100), client


def push(queue: RedisQueue) -> None:
    queue.push("bob", [Message(1, 1, "id-1", "alice", "bob", "hi")])


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), redis.TimeoutError("silent")])
def test_two_failures_in_a_row_open_the_breaker_and_redis_is_left_alone(error: Exception) -> None:
    queue, client = make(error)
    for _ in range(5):
        with pytest.raises(QueueUnavailable):
            push(queue)
    assert client.calls == 2
    with pytest.raises(QueueUnavailable) as failure:
        queue.read("bob", Cursor(0), 10)
    assert str(failure.value) == f"{error} (circuit breaker is open)"
    assert client.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        redis.ReadOnlyError("You can't write against a read only replica."),
        redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
        redis.exceptions.NoPermissionError("User chat has no permissions to run the 'evalsha' command"),
        redis.exceptions.ClusterDownError("Hash slot not served"),
    ],
)
def test_a_redis_that_says_it_cannot_is_left_alone_at_once(error: Exception) -> None:
    queue, _ = make(error)
    with pytest.raises(QueueUnavailable, match=str(error)[:20]):
        push(queue)
    assert queue.breaker.is_open


def test_a_busy_pool_says_nothing_about_redis() -> None:
    queue, client = make(redis.MaxConnectionsError("Too many connections"))
    for _ in range(5):
        with pytest.raises(QueueUnavailable):
            push(queue)
    assert client.calls == 5
    assert not queue.breaker.is_open


def test_the_reason_is_said_as_the_system_says_it() -> None:
    error = redis.ConnectionError("Error 111 connecting to localhost:6379. Connection refused.")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    queue, _ = make(error)
    with pytest.raises(QueueUnavailable) as failure:
        push(queue)
    assert str(failure.value) == "Connection refused"


def test_a_probe_asks_even_while_the_breaker_is_open_and_closes_nothing() -> None:
    queue, client = make(redis.ConnectionError("gone"))
    queue.breaker.open(redis.ConnectionError("gone"))
    assert not queue.probe()
    assert client.calls == 1
    assert queue.breaker.is_open


class TestCircuitBreaker:
    def test_only_failures_in_a_row_open_it(self) -> None:
        breaker = CircuitBreaker("store", failures_to_open=2)
        breaker.failed(OSError("one"))
        breaker.succeeded()
        breaker.failed(OSError("two"))
        assert not breaker.is_open
        breaker.failed(OSError("three"))
        assert breaker.is_open

    def test_only_closing_closes_it(self) -> None:
        breaker = CircuitBreaker("store", failures_to_open=1)
        breaker.failed(OSError("one"))
        breaker.succeeded()
        assert breaker.is_open
        breaker.close()
        assert not breaker.is_open

    def test_closed_again_it_counts_from_zero(self) -> None:
        breaker = CircuitBreaker("store", failures_to_open=2)
        breaker.open(OSError("read only"))
        breaker.close()
        breaker.failed(OSError("one"))
        assert not breaker.is_open

    def test_it_says_once_that_it_opened_and_why_and_once_that_it_closed(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        breaker = CircuitBreaker("Redis", failures_to_open=1)
        breaker.close()
        for _ in range(3):
            breaker.failed(OSError("gone"))
        breaker.close()
        breaker.close()
        assert caplog.messages == ["Redis: circuit breaker opened: gone", "Redis: circuit breaker closed"]

    def test_another_reason_is_said_too(self, caplog: pytest.LogCaptureFixture) -> None:
        """Redis is started at last, and its user may not do what is needed."""
        breaker = CircuitBreaker("Redis", failures_to_open=1)
        for reason in ("gone", "not allowed", "not allowed"):
            breaker.failed(OSError(reason))
        assert str(breaker.reason) == "not allowed"
        assert caplog.messages == [
            "Redis: circuit breaker opened: gone",
            "Redis: circuit breaker stays open: not allowed",
        ]


class TestNotifier:
    def test_it_wakes_who_listens_to_this_mailbox(self) -> None:
        notifier = RedisNotifier(redis.Redis(), KnownHeads(time.monotonic))
        with notifier.listen("bob") as wait, notifier.listen("bob") as also_wait:
            notifier.notify("bob")
            wait(60)
            also_wait(60)

    def test_a_notification_before_the_wait_is_kept_and_one_for_another_is_ignored(self) -> None:
        notifier = RedisNotifier(redis.Redis(), KnownHeads(time.monotonic))
        with notifier.listen("bob") as wait:
            notifier.notify("alice")
            wait(0.001)
            notifier.notify("bob")
            wait(60)

    def test_a_poll_that_stopped_listening_is_forgotten(self) -> None:
        notifier = RedisNotifier(redis.Redis(), KnownHeads(time.monotonic))
        with notifier.listen("bob"), notifier.listen("bob"):
            pass
        assert notifier._listeners == {}

    def test_stopping_wakes_everybody(self) -> None:
        notifier = RedisNotifier(redis.Redis(), KnownHeads(time.monotonic))
        with notifier.listen("bob") as wait:
            notifier.stop()
            wait(60)
        assert notifier.is_stopping
