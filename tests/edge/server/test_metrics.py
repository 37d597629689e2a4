"""The metrics of all workers are one, also after one was killed; nothing of them outlives the server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from harness.faults import FaultInjector
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.server.process import RECOVERS_S, ROOT, Chat, target

WORKERS = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the server makes its temporary folders."""
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@contextlib.contextmanager
def running(services: Services, logs: Path, folder: Path) -> Iterator[Target]:
    logs.mkdir(exist_ok=True)
    server = target(services, logs, TMPDIR=str(folder), WORKERS=str(WORKERS))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(ours: Services, tmp_path: Path, folder: Path) -> Iterator[Target]:
    with running(ours, tmp_path, folder) as server:
        yield server


@pytest.fixture
def chat(server: Target) -> Iterator[Chat]:
    chat = Chat(server.base_url)
    yield chat
    chat.close()


def value(server: Target, name: str, **labels: str) -> float:
    """A sample, from whichever worker takes a new connection."""
    with urllib3.PoolManager(retries=False, timeout=5.0) as http:
        text = http.request("GET", f"{server.base_url}/metrics").data.decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


def workers(server: Target) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def send_over_new_connections(chat: Chat, count: int) -> None:
    for _ in range(count):
        assert chat.send().status == 200
        chat.alice.close()


def test_every_worker_tells_what_all_of_them_did(server: Target, chat: Chat) -> None:
    send_over_new_connections(chat, 20)
    delivered = len(chat.read_all())
    for _ in range(10):
        assert value(server, "chat_messages_sent_total", queued="true") == 20
        assert value(server, "chat_messages_delivered_total", source="redis") == delivered == 20
        sends = value(server, "chat_request_seconds_count", endpoint="messages.send", status="200")
        assert sends == 20


def test_what_a_killed_worker_counted_stays(server: Target, chat: Chat) -> None:
    send_over_new_connections(chat, 20)
    victim = workers(server)[0]
    victim.kill()
    wait_until(
        lambda: victim not in workers(server) and len(workers(server)) == WORKERS,
        deadline_s=10,
        what="another worker to take its place",
    )
    chat.alice.close()
    chat.bob.close()
    assert value(server, "chat_messages_sent_total", queued="true") == 20
    send_over_new_connections(chat, 5)
    assert value(server, "chat_messages_sent_total", queued="true") == 25


def test_an_open_breaker_is_shown_once_a_worker_also_after_one_was_killed(
    ours: Services, server: Target, chat: Chat
) -> None:
    def seen(count: int) -> bool:
        return value(server, "chat_breakers_open", store="redis") == count

    faults = FaultInjector(ours, lambda kind, **fields: None)
    assert seen(0)
    with faults.redis_refused():
        send_over_new_connections(chat, 3)
        wait_until(lambda: seen(WORKERS), deadline_s=10, what="both breakers to open")
        assert value(server, "chat_outbox_pending") == 1
        victim = workers(server)[0]
        victim.kill()
        wait_until(
            lambda: victim not in workers(server) and len(workers(server)) == WORKERS and seen(WORKERS),
            deadline_s=10,
            what="the new worker's breaker to open, and the dead one's to be forgotten",
        )
    wait_until(lambda: seen(0), deadline_s=RECOVERS_S + 5, what="both breakers to close")
    wait_until(
        lambda: value(server, "chat_outbox_pending") == 0, deadline_s=5, what="the outbox to be drained"
    )


def test_nothing_is_left_of_them_after_a_stop(server: Target, folder: Path) -> None:
    assert list(folder.iterdir())
    server.stop()
    assert not list(folder.iterdir())


def test_what_a_server_leaves_that_was_killed_the_next_one_removes(
    ours: Services, tmp_path: Path, server: Target, folder: Path
) -> None:
    [left] = folder.iterdir()
    server.kill()
    assert left.exists()
    with running(ours, tmp_path / "next", folder) as other, running(ours, tmp_path / "beside", folder):
        assert not left.exists()
        assert len(list(folder.iterdir())) == 2, "who lives keeps theirs"
        assert value(other, "chat_breakers_open", store="redis") == 0
    assert not list(folder.iterdir())


COUNT_AFTER_THE_FOLDER_IS_GONE = """
import pathlib, shutil
from reference_server.process.metrics_folder import MetricsFolder
folder = MetricsFolder()
from reference_server.metrics import Metrics
metrics = Metrics(folder.path)
shutil.rmtree(folder.path)
metrics.answered("messages.poll", 200, 0.1)
metrics.sent(queued=True)
metrics.delivered(1, "redis")
metrics.breaker_moves("redis")(True)
"""


def test_a_worker_counts_on_although_its_folder_was_removed_before_the_first_event(tmp_path: Path) -> None:
    """As temporary files are that nobody touched for days. Each request would be answered 500."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_AFTER_THE_FOLDER_IS_GONE],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
