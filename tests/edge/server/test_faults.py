"""The contract's table of faults, on two workers with real stores.

What sends and polls are answered meanwhile, and that everything is as it should be soon after.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.toxics import Proxy
from harness.stack.waiting import wait_until
from tests.edge.server.process import BOUND_S, Chat, ready

FAULTS = ("refused", "black-holed", "slow")


def inject(proxy: Proxy, fault: str) -> None:
    if fault == "refused":
        proxy.disable()
    elif fault == "slow":
        proxy.add_toxic("latency", "downstream", latency=700)
    else:
        proxy.add_toxic("timeout", "upstream", timeout=0)
        proxy.add_toxic("timeout", "downstream", timeout=0)


def healthy(server: Target) -> bool:
    """Whether the server is; a new connection each time, so that both workers are asked."""
    return all(ready(server.base_url)["status"] == "ok" for _ in range(10))


@pytest.fixture
def chat(server: Target, services: Services) -> Iterator[Chat]:
    wait_until(lambda: healthy(server), deadline_s=5, what="a healthy server")
    chat = Chat(server.base_url)
    chat.wait_until_it_works_normally()
    chat.slowest_s = 0.0
    yield chat
    for proxy in services.proxies.values():
        proxy.heal()
    chat.close()


@pytest.fixture
def admin(services: Services, chat: Chat) -> Iterator[redis.Redis]:
    """Redis itself, to damage or configure it."""
    services.own_redis()
    with redis.Redis.from_url(services.redis_direct_url) as admin:
        yield admin


@pytest.mark.parametrize("fault", FAULTS)
def test_redis_fails(services: Services, chat: Chat, fault: str) -> None:
    inject(services.proxies["redis"], fault)
    for _ in range(8):
        sent, polled = chat.send(), chat.poll()
        assert (sent.status, sent.body["queued"]) == (200, False)
        assert (polled.status, polled.body["source"], polled.body["degraded"]) == (200, "mongodb", True)
    assert chat.slowest_s < BOUND_S
    services.proxies["redis"].heal()
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


@pytest.mark.parametrize("fault", FAULTS)
def test_mongodb_fails(services: Services, chat: Chat, fault: str) -> None:
    cursor = chat.poll().body["next_since"]
    inject(services.proxies["mongodb"], fault)
    for _ in range(8):
        sent, polled = chat.send(), chat.poll(cursor)
        assert sent.status == 503
        assert sent.body["outcome"] in ("not_stored", "unknown")
        assert (polled.status, polled.body["source"], polled.body["degraded"]) == (200, "redis", False)
    assert chat.slowest_s < BOUND_S
    services.proxies["mongodb"].heal()
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


@pytest.mark.parametrize("fault", FAULTS)
def test_both_fail(services: Services, chat: Chat, fault: str) -> None:
    for proxy in services.proxies.values():
        inject(proxy, fault)
    for _ in range(6):
        assert chat.send().status == 503
        assert chat.poll().status == 503
    assert chat.slowest_s < BOUND_S
    assert ready(chat.base_url)["status"] == "down"
    for proxy in services.proxies.values():
        proxy.heal()
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_redis_that_is_known_to_be_down_costs_a_poll_nothing(
    services: Services, chat: Chat, server: Target, fault: str
) -> None:
    """Every worker finds out by itself, without a user's request."""
    inject(services.proxies["redis"], fault)
    wait_until(lambda: everywhere_open(server), deadline_s=5, what="the breakers of both workers to open")
    times_s = sorted(chat.poll().seconds for _ in range(20))
    assert times_s[10] < 0.05
    assert chat.poll().body["degraded"] is True


def everywhere_open(server: Target) -> bool:
    return all(ready(server.base_url)["stores"]["redis"]["breaker"] == "open" for _ in range(10))


def only_mongodb_is_used(chat: Chat) -> bool:
    return all(
        chat.send().body.get("queued") is False and chat.poll().body.get("degraded") is True for _ in range(5)
    )


def test_redis_flaps(services: Services, chat: Chat) -> None:
    proxy = services.proxies["redis"]
    for _ in range(5):
        proxy.disable()
        assert chat.send().status == chat.poll().status == 200
        proxy.heal()
        assert chat.send().status == chat.poll().status == 200
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_is_read_only(chat: Chat, admin: redis.Redis) -> None:
    admin.replicaof("127.0.0.1", 1)
    try:
        wait_until(lambda: only_mongodb_is_used(chat), deadline_s=2, what="every worker to notice")
    finally:
        admin.replicaof("NO", "ONE")
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_is_out_of_memory(chat: Chat, admin: redis.Redis) -> None:
    admin.config_set("maxmemory", 1)
    try:
        wait_until(lambda: only_mongodb_is_used(chat), deadline_s=2, what="every worker to notice")
    finally:
        admin.config_set("maxmemory", 0)
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_restarts_empty(services: Services, chat: Chat, admin: redis.Redis) -> None:
    services.own_redis().restart_from(None)
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_comes_back_from_an_old_snapshot(services: Services, chat: Chat, admin: redis.Redis) -> None:
    chat.send()
    snapshot = services.own_redis().save_snapshot("old")
    for _ in range(3):
        chat.send()
    services.own_redis().restart_from(snapshot)
    assert chat.read_all() == chat.acked
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_is_flushed(chat: Chat, admin: redis.Redis) -> None:
    admin.flushall()
    assert chat.read_all() == chat.acked
    assert chat.poll().body["source"] == "redis"


@pytest.mark.plan("QUEUE-09")
@pytest.mark.parametrize(
    "damage",
    [
        lambda admin, key: admin.lpush(key, "not JSON"),
        lambda admin, key: admin.lset(key, 1, "not JSON"),
        lambda admin, key: admin.delete(key) and admin.set(key, "a string"),
        lambda admin, key: admin.ltrim(key, 2, -1),
    ],
    ids=["pushed", "overwritten", "wrong type", "cut"],
)  # fmt: skip
def test_a_queue_is_damaged(chat: Chat, admin: redis.Redis, damage: object) -> None:
    key = f"messages:{chat.bob.username}"
    assert callable(damage)
    damage(admin, key)
    assert chat.read_all() == chat.acked
    assert chat.send().status == 200
    assert admin.llen(key) == len(chat.acked)
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_a_key_that_expired_is_made_again(chat: Chat, admin: redis.Redis) -> None:
    key = f"messages:{chat.bob.username}"
    admin.delete(key)
    assert chat.read_all() == chat.acked
    assert admin.ttl(key) > 29 * 24 * 3600


def test_a_worker_is_killed(server: Target, chat: Chat) -> None:
    [worker, *_] = server.children()
    worker.kill()
    wait_until(
        lambda: chat.send().status == 200 and worker.pid not in [child.pid for child in server.children()],
        deadline_s=5,
        what="the next send",
    )
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_the_server_is_killed(services: Services, server: Target, chat: Chat) -> None:
    cursor = chat.poll().body["next_since"]
    before = len(chat.acked)
    chat.send()
    server.kill()
    assert chat.send().status is None
    server.start()
    chat.wait_until_it_works_normally()
    new = [message["message"] for message in chat.poll(cursor).body["messages"]]
    assert [content for content in new if content not in chat.unknown] == chat.acked[before:]
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_redis_and_a_worker_die_together_and_nothing_owed_is_forgotten(
    services: Services, server: Target, chat: Chat
) -> None:
    services.proxies["redis"].disable()
    for _ in range(4):
        assert chat.send().body["queued"] is False
    for worker in server.children():
        worker.kill()
    services.proxies["redis"].heal()
    wait_until(
        lambda: chat.poll().body.get("source") == "redis", deadline_s=10, what="the outbox to be drained"
    )
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_a_late_reader_after_a_long_outage_gets_everything(services: Services, chat: Chat) -> None:
    services.proxies["redis"].disable()
    for _ in range(60):
        chat.send()
    services.proxies["redis"].heal()
    began = time.monotonic()
    chat.wait_until_it_works_normally()
    assert time.monotonic() - began < 2.0
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_the_log_has_the_contracts_lines(server: Target, chat: Chat, tmp_path: Path) -> None:
    chat.send()
    chat.poll("2026-01-01T00:00:00Z")
    log = server.log.read_text(encoding="utf-8")
    alice, bob = chat.alice.username, chat.bob.username
    assert f"Message sent from '{alice}' to '{bob}' (MongoDB + Redis)" in log
    assert f"📬 Polling: '{bob}' - found {len(chat.acked)} new messages since 2026-01-01T00:00:00Z" in log
    assert "Unexpected error" not in log
    assert "Relay step failed" not in log
