"""What users type reaches neither the names of keys nor the structure of the log, in either format."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from harness.client.variety.variety import Manner
from harness.faults import FaultInjector
from harness.run.hostile import inputs as hostile
from harness.stack import Services
from harness.stack.waiting import wait_until
from tests.edge.server.paths import LOGIN, MESSAGES, REGISTER, conversation, mailbox
from tests.edge.server.process import Chat, target

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR) \[[\w.-]{1,64}\] \S.*|    \| .*"
)


@contextlib.contextmanager
def chat_on_a_server(services: Services, folder: Path, **env: str) -> Iterator[tuple[Chat, int, Path]]:
    """Two users of a new server, its process id, and its log."""
    server = target(services, folder, **env)
    server.start()
    try:
        chat = Chat(server.base_url)
        with contextlib.closing(chat):
            yield chat, server.pid, folder / "server.log"
    finally:
        server.stop()


def try_everything(chat: Chat) -> None:
    for name in hostile.names(chat.bob.username):
        credentials = {"username": name, "password": "a long password"}
        for path in (REGISTER, LOGIN):
            assert chat.alice.call("POST", path, body=credentials).status == 400, name
        for path in (mailbox(name), conversation(name)):
            assert chat.alice.call("GET", path).status in (400, 403, 404), name
        body = {"to_username": name, "content": "hi"}
        assert chat.alice.call("POST", MESSAGES, body=body).status in (400, 404), name
    for content in hostile.TEXTS:
        assert chat.alice.send(chat.bob.username, Manner(content, content[:64])).status == 200
        headers = {"X-Request-Id": ascii(content)[:64]}
        assert chat.bob.call("GET", mailbox(chat.bob.username), headers=headers).status == 200


def test_names_and_texts_make_no_keys_and_no_lines(ours: Services, tmp_path: Path, redis_url: str) -> None:
    with chat_on_a_server(ours, tmp_path, LOG_LEVEL="DEBUG") as (chat, _, log):
        try_everything(chat)
        with redis.Redis.from_url(redis_url, protocol=2) as client:
            keys = {key.decode() for key in client.scan_iter()} - {"probe", "pushes"}
        assert keys == {f"{kind}:{chat.bob.username}" for kind in ("messages", "head")}
    text = log.read_bytes().decode()
    lines = text.splitlines()
    assert len(lines) > 2 * len(hostile.TEXTS)
    assert not [line for line in lines if not LINE.fullmatch(line)]
    assert "\x1b" not in text
    forged = "[-] Message sent from 'alice' to 'bob'"
    assert not [line for line in lines if line.endswith(forged)]


def test_every_line_is_a_json_object_where_that_is_wanted(ours: Services, tmp_path: Path) -> None:
    """With a trace, and with lines of gunicorn's own."""
    with chat_on_a_server(ours, tmp_path, LOG_FORMAT="json") as (chat, pid, log):
        try_everything(chat)
        body = {"to_username": chat.bob.username, "content": "hi"}
        chat.alice.call("POST", MESSAGES, body=body, headers={"X-Request-Id": "request-7"})
        with FaultInjector(ours, lambda kind, **fields: None).redis_refused():
            for _ in range(3):
                assert chat.send().status == 200
        victim = psutil.Process(pid).children()[0]
        victim.kill()
        said = f"Worker (pid:{victim.pid}) was sent SIGKILL!"
        wait_until(
            lambda: said in log.read_text(encoding="utf-8"),
            deadline_s=10,
            what="gunicorn to tell of the killed worker",
        )
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {frozenset(line) - {"trace"} for line in lines} == {
        frozenset(("time", "level", "logger", "request_id", "message"))
    }
    [sent] = [line for line in lines if line["request_id"] == "request-7"]
    expected = f"Message sent from '{chat.alice.username}' to '{chat.bob.username}' (MongoDB + Redis)"
    assert sent["message"] == expected
    assert [line for line in lines if line.get("trace", "").startswith("Traceback")]
    assert [line for line in lines if line["message"].startswith(said)]


@pytest.mark.parametrize("worker_count", ["1", "4"])
def test_guessing_is_slowed_however_many_workers_there_are(
    services: Services, tmp_path: Path, worker_count: str
) -> None:
    with chat_on_a_server(services, tmp_path, WORKERS=worker_count) as (chat, _, _log):
        statuses = []
        for _ in range(12):
            chat.alice.close()
            credentials = {"username": chat.bob.username, "password": "a wrong one"}
            statuses.append(chat.alice.call("POST", LOGIN, body=credentials).status)
        assert statuses == [401] * 5 + [429] * 7
        assert chat.bob.sign_in().status == 429
        assert chat.bob.poll({}).status == 200
