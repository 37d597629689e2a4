"""A Redis that answers some commands only: what the server needs is documented, and it says what it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from reference_server.adapters import redis_clients
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.redis_queue import RedisQueue
from tests.contracts.queue_contract import LIMIT, Epochs, messages, rebuilt
from tests.edge.server.process import ROOT, Chat, ready, target

DOCS = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
[LINE] = re.findall(r"^ACL SETUSER chat (.*)$", DOCS, re.MULTILINE)
RULES = LINE.replace(">PASSWORD", ">secret").split()
NEEDED = [rule[1:] for rule in RULES if rule.startswith("+")]
FOR_SOME_ONLY = {"subscribe", "unsubscribe", "ping", "select"}
"""The notifier's, the health check's of an old connection, and what a database other than 0 needs."""


@pytest.fixture
def admin(ours: Services) -> Iterator[redis.Redis]:
    """Of our Redis, in which the user of the documentation is left behind by nobody."""
    with redis.Redis.from_url(ours.redis_direct_url, decode_responses=True) as admin:
        admin.execute_command("ACL", "SETUSER", "chat", "reset", *RULES)
        yield admin
        admin.execute_command("ACL", "DELUSER", "chat")


def as_chat(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"chat:secret@{parts.netloc}").geturl()


@pytest.fixture
def queue(admin: redis.Redis, ours: Services) -> Iterator[RedisQueue]:
    client = redis_clients.connect(as_chat(ours.redis_url), timeout_ms=2000)
    yield RedisQueue(client, CircuitBreaker("Redis", 2), Epochs(), limit=LIMIT, ttl_s=1000)
    client.close()


@pytest.fixture
def server(admin: redis.Redis, ours: Services, tmp_path: Path) -> Iterator[Target]:
    server = target(ours, tmp_path, REDIS_URL=as_chat(ours.redis_url))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def chat(server: Target) -> Iterator[Chat]:
    chat = Chat(server.base_url)
    yield chat
    chat.close()


def allow(admin: redis.Redis, *rules: str) -> None:
    admin.execute_command("ACL", "SETUSER", "chat", *rules)


@pytest.mark.parametrize("denied", sorted({*NEEDED} - FOR_SOME_ONLY))
def test_the_probe_misses_each_command_that_is_documented(
    admin: redis.Redis, queue: RedisQueue, denied: str
) -> None:
    rebuilt(queue, messages(1, LIMIT + 1))
    allow(admin, f"-{denied}")
    if denied == "script|load":
        admin.script_flush()  # else it is needed at the first start only
    assert not queue.probe()
    assert queue.breaker.is_open
    assert denied.lower() in str(queue.breaker.reason).lower()
    allow(admin, f"+{denied}")
    assert queue.probe()


@pytest.mark.parametrize(
    "rules",
    [("resetkeys", "~messages:*"), ("resetkeys", "~head:*"), ("resetchannels",), ("off",), ("resetpass",)],
)
def test_the_probe_misses_keys_channels_and_the_user(
    admin: redis.Redis, queue: RedisQueue, rules: tuple[str, ...]
) -> None:
    rebuilt(queue, messages(1, 3))
    allow(admin, *rules)
    admin.client_kill_filter(user="chat")  # connections stay signed in
    for _ in range(2):
        assert not queue.probe()
    assert queue.breaker.is_open


def test_the_documented_permissions_are_enough_for_everything(server: Target, chat: Chat) -> None:
    chat.wait_until_it_works_normally()
    cursor = chat.poll().body["next_since"]
    held = chat.bob.poll({"since": cursor, "wait": "1"})
    assert (held.status, held.body["source"], held.body["messages"]) == (200, "redis", [])
    assert ready(server.base_url)["stores"]["redis"] == {"status": "up", "breaker": "closed"}
    chat.check_nothing_is_lost_doubled_or_reordered()
    said = server.log.read_text(encoding="utf-8")
    assert not re.search(r"WARNING|ERROR", said), said


def test_what_is_denied_under_traffic_is_said_and_nothing_flaps(
    admin: redis.Redis, server: Target, chat: Chat
) -> None:
    chat.wait_until_it_works_normally()
    allow(admin, "-info", "-publish")
    wait_until(lambda: all_say(server, "down"), deadline_s=5, what="both workers to notice")
    asked_before = admin.info("commandstats")["cmdstat_evalsha"]["calls"]
    while admin.info("commandstats")["cmdstat_evalsha"]["calls"] < asked_before + 24:  # a dozen probes each
        assert chat.send().body["queued"] is False
        assert chat.poll().body["degraded"] is True
        assert all_say(server, "down")
    reason = ready(server.base_url)["stores"]["redis"]["reason"]
    assert reason == "the Redis user may not run INFO, PUBLISH: see What Redis must allow in docs/server.md"
    log = server.log.read_text(encoding="utf-8").splitlines()
    lines = [line for line in log if " Redis: circuit breaker" in line]
    assert len([line for line in lines if reason in line]) == 2, lines  # one a worker
    assert len(lines) <= 4, lines  # a request may have met the denial before the probe did
    allow(admin, "+info", "+publish")
    chat.wait_until_it_works_normally()
    chat.check_nothing_is_lost_doubled_or_reordered()


def test_without_subscribe_waiting_polls_look_by_themselves(
    admin: redis.Redis, server: Target, chat: Chat
) -> None:
    allow(admin, "-subscribe")
    admin.client_kill_filter(user="chat")
    chat.wait_until_it_works_normally()
    cursor = chat.poll().body["next_since"]
    held = chat.bob.poll({"since": cursor, "wait": "2"})
    assert (held.status, held.body["source"]) == (200, "redis")
    wait_until(
        lambda: "waiting polls look once a second" in server.log.read_text(encoding="utf-8"),
        deadline_s=5,
        what="the line that says so",
    )


def all_say(server: Target, status: str) -> bool:
    """Whether both workers say this of Redis; a new connection each time, so that each is asked."""
    return all(ready(server.base_url)["stores"]["redis"]["status"] == status for _ in range(10))
