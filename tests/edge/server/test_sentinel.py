"""A server whose Redis is named by sentinels: who may ask them, and what follows a failover."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import NotHere
from harness.stack import Services
from harness.stack.sentinel import SERVICE, WatchedRedis
from harness.stack.waiting import wait_until
from tests.edge.server.process import Chat, ready, target

PATIENT = {"WORKERS": "1", "REDIS_TIMEOUT_MS": "5000", "MONGODB_TIMEOUT_MS": "5000"}
"""This machine may be busy."""
WATCHING = (
    "on",
    ">p%w",
    "allchannels",
    "-@all",
    "+ping",
    "+sentinel|master",
    "+sentinel|get-master-addr-by-name",
)
"""What docs/clusters.md says that the server's user needs at the sentinels."""


@pytest.fixture(scope="module")
def watched(services: Services) -> Iterator[WatchedRedis]:
    services.reset()
    try:
        with services.watched_redis() as watched:
            yield watched
    except NotHere as error:
        pytest.skip(str(error))


def test_a_held_poll_is_woken_by_the_primary_that_was_promoted(
    services: Services, watched: WatchedRedis, tmp_path: Path
) -> None:
    for sentinel in watched.sentinels:
        sentinel.ask("ACL", "SETUSER", "watch", *WATCHING)
    url = f"{watched.url}?sentinel_username=watch&sentinel_password=p%25w"
    server = target(services, tmp_path, **PATIENT, REDIS_URL=url)
    server.start()
    chat = Chat(server.base_url)
    try:
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="Redis to be used")
        former = watched.the_primary()
        former.kill()
        watched.await_another(former)
        wait_until(lambda: not chat.poll().body["degraded"], deadline_s=20, what="the new primary to be used")
        since = chat.poll().body["next_since"] or None
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(lambda: chat.bob.poll({"wait": "20"} | ({"since": since} if since else {})))
            assert chat.send().body["queued"]
            answer = held.result()
        assert [message["message"] for message in answer.body["messages"]] == chat.acked
        assert answer.body["source"] == "redis"
        assert answer.seconds < 10
    finally:
        chat.close()
        server.stop()


def test_without_any_sentinel_mongodb_answers_until_one_is_back(
    services: Services, watched: WatchedRedis, tmp_path: Path
) -> None:
    """No one can say then that the primary is still the primary."""
    server = target(services, tmp_path, **PATIENT, REDIS_URL=watched.url)
    server.start()
    chat = Chat(server.base_url)
    try:
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="Redis to be used")
        for sentinel in watched.sentinels:
            sentinel.kill()
        wait_until(lambda: chat.poll().body["degraded"], deadline_s=20, what="Redis to be left")
        assert chat.send().body["queued"] is False
        assert chat.read_all() == chat.acked
        watched.sentinels[0].start()
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="Redis to be used")
        assert chat.read_all() == chat.acked
    finally:
        for sentinel in watched.sentinels:
            if not sentinel.running:
                sentinel.start()
        chat.close()
        server.stop()


def test_a_service_that_no_sentinel_knows_is_named(
    services: Services, watched: WatchedRedis, tmp_path: Path
) -> None:
    url = watched.url.replace(f"/{SERVICE}/", "/another/")
    server = target(services, tmp_path, **PATIENT, REDIS_URL=url)
    server.start()
    try:
        said = wait_until(
            lambda: ready(server.base_url)["stores"]["redis"].get("reason"),
            deadline_s=20,
            what="the readiness page to say why Redis cannot be used",
        )
        assert said == "the sentinels know no service named 'another'"
    finally:
        server.stop()
