"""With no one there a worker asks the stores hardly anything; whoever comes back gets what came meanwhile."""

from __future__ import annotations

import contextlib
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.client import Client
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.server.process import Chat, target
from tests.edge.server.test_metrics import value


@contextlib.contextmanager
def running(services: Services, logs: Path, database: str, redis_url: str) -> Iterator[Target]:
    logs.mkdir()
    server = target(services, logs, WORKERS="1", MONGODB_DATABASE=database, REDIS_URL=redis_url)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sending(services: Services, tmp_path: Path) -> Iterator[Target]:
    """An instance whose way to Redis can be cut."""
    with running(services, tmp_path / "one", f"test-{uuid.uuid4().hex[:12]}", services.redis_url) as server:
        yield server
    services.proxies["redis"].heal()


@pytest.fixture
def resting(services: Services, sending: Target, tmp_path: Path) -> Iterator[Target]:
    """Another instance, whose way to Redis always works."""
    database = sending.env["MONGODB_DATABASE"]
    with running(services, tmp_path / "two", database, services.redis_direct_url) as server:
        yield server


def asked(server: Target) -> float:
    """How often the relay has asked Redis."""
    return value(server, "chat_store_seconds_count", store="redis", operation="probe", outcome="ok")


def is_at_rest(server: Target) -> bool:
    before = asked(server)
    time.sleep(0.8)  # three steps, if it is not at rest
    return asked(server) <= before + 1


def test_a_poll_at_a_worker_at_rest_gets_what_another_one_could_not_push(
    services: Services, sending: Target, resting: Target
) -> None:
    with contextlib.closing(Chat(sending.base_url)) as chat:
        bob = Client(resting.base_url, chat.bob.username, "long enough")
        bob.sign_in()
        chat.send()
        assert [message["message"] for message in bob.poll({}).body["messages"]] == ["no. 1"]
        wait_until(lambda: is_at_rest(resting), deadline_s=10, what="the worker to rest")
        services.proxies["redis"].disable()
        assert chat.send().body["queued"] is False
        assert [message["message"] for message in bob.poll({}).body["messages"]] == ["no. 1", "no. 2"]
        bob.close()


def test_a_worker_at_rest_stops_at_once(resting: Target) -> None:
    wait_until(lambda: is_at_rest(resting), deadline_s=10, what="the worker to rest")
    [worker] = psutil.Process(resting.pid).children()
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=5)
