"""Known heads on a real Redis: whatever happens to a notice, a poll misses no acked message for long.

One process polls; another one, with a client of its own, pushes. The clock is the test's: no time passes by
itself, so a poll that finds a message has found it for the reason that the test gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from harness.stack import Services, wait_until
from reference_server.adapters import redis_clients, redis_queue
from reference_server.adapters.redis_notifier import RedisNotifier
from reference_server.adapters.redis_queue import RedisQueue, script
from reference_server.known_heads import LEASE_S, KnownHeads
from tests.unit.server.world import MONTH_S, WINDOW, Process, World, covers

PATIENCE_S = 10.0
"""For what a busy machine is slow to do."""


class TwoProcesses(World):
    """Two processes on one Redis, each with its own client, subscription, and known heads."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__()
        self._urls = urls
        self.clients: list[redis.Redis] = []
        self.notifiers: list[RedisNotifier] = []

    def queue_of_a_process(self, known_heads: KnownHeads) -> RedisQueue:
        client = redis_clients.connect(self._urls[len(self.clients)], timeout_ms=5000)
        self.clients.append(client)
        breaker = redis_queue.CircuitBreaker("Redis", 2)
        return RedisQueue(
            client, breaker, self.store.epoch, limit=WINDOW, ttl_s=MONTH_S, replaced=known_heads.drop
        )

    def subscribe(self, known_heads: KnownHeads) -> Callable[[], object]:
        self.notifiers.append(RedisNotifier(self.clients[-1], known_heads))
        self.notifiers[-1].start()
        wait_until(lambda: known_heads.is_subscribed, deadline_s=PATIENCE_S, what="the subscription")
        return lambda: None

    def close(self) -> None:
        for notifier, client in zip(self.notifiers, self.clients, strict=True):
            notifier.stop()
            client.close()


@pytest.fixture
def world(ours: Services) -> Iterator[TwoProcesses]:
    world = TwoProcesses([ours.redis_url, ours.redis_direct_url])
    yield world
    world.close()


@pytest.fixture
def polling(world: TwoProcesses) -> Process:
    return world.process()


@pytest.fixture
def pushing(world: TwoProcesses, polling: Process) -> Process:
    return world.process()


@pytest.fixture
def admin(ours: Services) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(ours.redis_direct_url, protocol=2) as admin:
        yield admin


@pytest.fixture
def since_us(polling: Process, pushing: Process) -> int:
    """The time of a message that has been sent and read: it is known that nothing follows."""
    since_us: int = pushing.send("the first").message.timestamp_us
    wait_until(
        lambda: covers_after_a_poll(polling, since_us), deadline_s=PATIENCE_S, what="a head that is known"
    )
    return since_us


def covers_after_a_poll(process: Process, since_us: int) -> bool:
    process.poll(since_us)
    return covers(process.known_heads, "bob", since_us)


def asked(admin: redis.Redis) -> int:
    """How many scripts Redis has run."""
    return int(admin.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_a_poll_that_is_covered_does_not_ask_redis(
    polling: Process, admin: redis.Redis, since_us: int
) -> None:
    before = asked(admin)
    for _ in range(100):
        assert polling.contents(since_us) == []
    assert asked(admin) == before


def test_a_push_of_another_process_is_noticed(polling: Process, pushing: Process, since_us: int) -> None:
    pushing.send("the second")
    wait_until(lambda: polling.contents(since_us) == ["the second"], deadline_s=PATIENCE_S, what="the second")


def test_a_lost_notice_delays_a_message_by_the_lease(
    world: TwoProcesses, polling: Process, pushing: Process, since_us: int
) -> None:
    """The push counts itself, and publishes nothing."""
    silent = script("push").replace("redis.call('PUBLISH', 'mailboxes', count .. ' ' .. username)", "")
    pushing.queue._push = world.clients[1].register_script(silent)
    pushing.send("the second")
    assert polling.contents(since_us) == []
    world.clock.advance(LEASE_S)
    assert polling.contents(since_us) == ["the second"]
    assert not covers_after_a_poll(polling, since_us + 1)
    world.clock.advance(LEASE_S + 0.001)
    polling.poll(since_us)
    assert not polling.known_heads.is_subscribed
    wait_until(
        lambda: covers_after_a_poll(polling, world.clock.us),
        deadline_s=PATIENCE_S,
        what="another subscription",
    )


def test_the_next_notice_shows_that_one_was_lost(
    admin: redis.Redis, world: TwoProcesses, polling: Process, pushing: Process, since_us: int
) -> None:
    admin.incr("pushes")
    pushing.send("to another mailbox", to="alice")
    wait_until(
        lambda: not covers(polling.known_heads, "bob", since_us), deadline_s=PATIENCE_S, what="the hole"
    )


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda admin: admin.client_kill_filter(_type="pubsub"), id="CLIENT KILL"),
        pytest.param(
            lambda admin: admin.execute_command("CLIENT", "KILL", "TYPE", "normal"), id="the others"
        ),
    ],
)
def test_a_message_in_a_hole_of_the_subscription_is_not_missed(
    admin: redis.Redis,
    polling: Process,
    pushing: Process,
    since_us: int,
    cut: Callable[[redis.Redis], object],
) -> None:
    cut(admin)
    pushing.send("the second")
    wait_until(lambda: polling.contents(since_us) == ["the second"], deadline_s=PATIENCE_S, what="the second")


def test_a_redis_that_restarts_ends_what_was_known(
    ours: Services, polling: Process, pushing: Process, since_us: int
) -> None:
    ours.own_redis().restart_from(None)
    wait_until(
        lambda: not covers(polling.known_heads, "bob", since_us), deadline_s=PATIENCE_S, what="the restart"
    )
    for process in (pushing, polling):
        wait_until(
            lambda of=process: of.relay.step() or not of.queue.breaker.is_open,
            deadline_s=PATIENCE_S,
            what="Redis",
        )  # type: ignore[misc]
    pushing.send("the second")
    wait_until(lambda: polling.contents(since_us) == ["the second"], deadline_s=PATIENCE_S, what="the second")


def test_deleted_keys_hide_nothing(
    admin: redis.Redis, polling: Process, pushing: Process, since_us: int
) -> None:
    admin.delete("messages:bob", "head:bob", "pushes")
    assert polling.contents(since_us) == []
    pushing.send("the second")
    wait_until(lambda: polling.contents(since_us) == ["the second"], deadline_s=PATIENCE_S, what="the second")


def test_a_counter_of_the_wrong_type_is_replaced(
    admin: redis.Redis, polling: Process, pushing: Process, since_us: int
) -> None:
    admin.delete("pushes")
    admin.hset("pushes", "a", "hash")
    pushing.send("the second")
    wait_until(lambda: polling.contents(since_us) == ["the second"], deadline_s=PATIENCE_S, what="the second")
    assert admin.get("pushes") == b"1"


def test_many_pushes_from_many_threads_leave_nothing_behind(
    polling: Process, pushing: Process, since_us: int
) -> None:
    """While others push, a reader follows by its cursor and gets everything in order."""
    seen: list[str] = []

    def follow() -> None:
        cursor_us = since_us
        while len(seen) < 50:
            for message in polling.poll(cursor_us).page.messages:
                seen.append(message.content)
                cursor_us = message.timestamp_us

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    for number in range(50):
        pushing.send(f"no. {number}")
    reader.join(PATIENCE_S)
    assert seen == [f"no. {number}" for number in range(50)]
