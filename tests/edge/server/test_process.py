"""The server as operators meet it: it starts without its stores, says what is wrong, and ends in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pymongo
import pytest
import redis
import urllib3

from harness.client import Client
from harness.client.variety.variety import Manner
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import free_port, wait_until
from reference_server.adapters.mongo import Document
from tests.edge.server.process import COMMAND, ROOT, SECRET, Chat, ready, target


def run(**env: str) -> subprocess.CompletedProcess[str]:
    """Run the server where it should end by itself."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        COMMAND, cwd=ROOT, env=kept | env, capture_output=True, encoding="utf-8", timeout=20, check=False
    )


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("env", "sentence"),
        [
            ({}, "SECRET_KEY is required and must be text of 32 to 4,096 bytes."),
            ({"SECRET_KEY": "short"}, "SECRET_KEY must be text of 32 to 4,096 bytes."),
            (
                {"SECRET_KEY": SECRET, "PORT": "many"},
                "PORT must be a whole number from 1 to 65,535, not 'many'.",
            ),
        ],
    )
    def test_an_illegal_setting_is_one_sentence_and_exit_code_2(
        self, env: dict[str, str], sentence: str
    ) -> None:
        ended = run(**env)
        assert (ended.returncode, ended.stderr, ended.stdout) == (2, sentence + "\n", "")

    def test_a_taken_port_is_one_sentence_and_exit_code_2(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = str(other.getsockname()[1])
            ended = run(SECRET_KEY=SECRET, PORT=port)
        assert ended.returncode == 2
        expected = f"HOST and PORT: cannot listen on 127.0.0.1:{port}: Address already in use.\n"
        assert ended.stderr == expected

    def test_an_address_of_another_machine_is_one_sentence_and_exit_code_2(self) -> None:
        ended = run(SECRET_KEY=SECRET, HOST="192.0.2.1", PORT=str(free_port()))
        assert ended.returncode == 2
        assert ended.stderr.startswith("HOST and PORT: cannot listen on 192.0.2.1:")
        assert ended.stderr.count("\n") == 1


def test_it_starts_without_its_stores_and_says_so(services: Services, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    server = target(services, tmp_path, REDIS_URL=f"redis://{nowhere}/0", MONGODB_URL=f"mongodb://{nowhere}/")
    server.start()
    try:
        state = ready(server.base_url)
        assert state["status"] == "down"
        with urllib3.PoolManager(retries=False, timeout=5.0) as http:
            began = time.monotonic()
            answer = http.request(
                "POST",
                f"{server.base_url}/api/users/login",
                json={"username": "bob", "password": "long enough"},
            )
            assert time.monotonic() - began < 1.0
        assert answer.status == 503
        assert answer.headers["Retry-After"]
    finally:
        server.stop()


@pytest.fixture
def chat(server: Target) -> Iterator[Chat]:
    chat = Chat(server.base_url)
    chat.wait_until_it_works_normally()
    yield chat
    chat.close()


class TestWaitingPolls:
    def test_a_message_is_delivered_the_moment_it_is_sent(self, chat: Chat) -> None:
        since = chat.poll().body["next_since"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(chat.poll, since, wait="10")
            wait_until(waiting.running, deadline_s=2, what="the poll to leave")
            sent = chat.send()
            delivered = waiting.result()
        assert delivered.body["count"] == 1
        assert (delivered.end_ns - sent.end_ns) / 1e9 < 0.5

    def test_in_vain_it_is_answered_in_time(self, chat: Chat) -> None:
        since = chat.poll().body["next_since"]
        answer = chat.poll(since, wait="1.5")
        assert (answer.status, answer.body["count"]) == (200, 0)
        assert 1.4 < answer.seconds < 2.5

    def test_many_wait_at_little_cost_and_all_are_woken(self, chat: Chat) -> None:
        since = chat.poll().body["next_since"]
        readers = [Chat(chat.base_url) for _ in range(3)]
        with ThreadPoolExecutor(30) as pool:
            waiting = [pool.submit(chat.poll, since, wait="20") for _ in range(7)]
            others = [pool.submit(reader.poll, None, wait="3") for reader in readers for _ in range(5)]
            chat.send()
            assert [poll.result().body["count"] for poll in waiting] == [1] * 7
            assert [poll.result().body["count"] for poll in others] == [0] * 15
        for reader in readers:
            reader.close()

    def test_a_stopping_server_answers_them(self, services: Services, tmp_path: Path) -> None:
        server = target(services, tmp_path)
        server.start()
        chat = Chat(server.base_url)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(chat.poll(wait="20")))
        thread.start()
        wait_until(lambda: established(server) >= 1, deadline_s=5, what="the poll to arrive")
        began = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        thread.join(10)
        assert answers[0].status == 200
        wait_until(lambda: not server.running, deadline_s=6, what="the server to end")
        assert time.monotonic() - began < 6
        server.stop()
        chat.close()


def established(server: Target) -> int:
    """How many connections to the server's port its workers hold."""
    port = server.address[1]
    return sum(
        connection.laddr.port == port and connection.status == "ESTABLISHED"
        for worker in server.children()
        for connection in worker.net_connections("tcp")
    )


class TestHttp:
    def test_a_body_too_large_is_refused_and_the_next_request_answered(self, server: Target) -> None:
        with urllib3.PoolManager(retries=False, timeout=5.0, maxsize=1) as http:
            url = f"{server.base_url}/api/users/login"
            headers = {"Content-Type": "application/json"}
            answer = http.request("POST", url, body=b"x" * 300_000, headers=headers)
            assert answer.status == 413
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert http.request("GET", f"{server.base_url}/health/live").status == 200

    def test_a_chunked_body_is_bounded_too(self, server: Target) -> None:
        with urllib3.PoolManager(retries=False, timeout=5.0) as http:
            chunks = (b"x" * 10_000 for _ in range(40))
            headers = {"Content-Type": "application/json"}
            answer = http.request("POST", f"{server.base_url}/api/users/login", body=chunks, headers=headers)
            assert answer.status == 413

    def test_a_username_with_every_legal_character_has_a_mailbox(self, server: Target) -> None:
        name = f"Jür_gen.@+-{time.monotonic_ns()}"
        user = Client(server.base_url, name, "long enough")
        assert user.register().status == 201
        assert user.sign_in().status == 200
        assert user.send(name, Manner("note to self", None)).status == 200
        assert [message["message"] for message in user.poll({}).body["messages"]] == ["note to self"]
        user.close()

    def test_answers_are_small(self, chat: Chat) -> None:
        """The plan's bytes per poll: target 1 KB."""
        answer = chat.poll(chat.poll().body["next_since"])
        assert len(json.dumps(answer.body)) < 400


class TestOperators:
    def test_the_keys_and_collections_have_their_documented_names(
        self, services: Services, server: Target, chat: Chat
    ) -> None:
        with redis.Redis.from_url(services.redis_direct_url) as keys:
            assert keys.llen(f"messages:{chat.bob.username}") == len(chat.acked)
            for key in (f"messages:{chat.bob.username}", f"head:{chat.bob.username}"):
                assert keys.ttl(key) > 29 * 24 * 3600
        database = server.env["MONGODB_DATABASE"]
        with pymongo.MongoClient[Document](services.mongodb_direct_url) as client:
            stored = client[database]["messages"].find_one({"recipient": chat.bob.username, "seq": 1})
            assert stored is not None
            assert stored["content"] == chat.acked[0]
            assert client[database]["users"].count_documents({"_id": chat.bob.username}) == 1

    def test_a_message_that_a_killed_worker_only_stored_is_pushed_by_the_next_one(
        self, services: Services, server: Target, chat: Chat
    ) -> None:
        since = chat.poll().body["next_since"]
        name = chat.bob.username
        with pymongo.MongoClient[Document](services.mongodb_direct_url) as client:
            messages = client[server.env["MONGODB_DATABASE"]]["messages"]
            newest = messages.find_one({"recipient": name}, sort=[("seq", -1)])
            assert newest is not None
            orphan = {"_id": f"{int(time.time() * 1000):012x}7{'f' * 19}", "seq": newest["seq"] + 1}
            timestamp_us = newest["timestamp_us"] + 1
            messages.insert_one(newest | orphan | {"content": "orphan", "timestamp_us": timestamp_us})
        assert chat.poll(since).body["count"] == 0
        server.children()[0].kill()
        wait_until(
            lambda: chat.poll(since).body.get("count") == 1,
            deadline_s=5,
            what="a new worker to push the orphan",
        )
        assert chat.poll(since).body["source"] == "redis"

    def test_the_log_tells_the_time_in_utc(self, server: Target, chat: Chat) -> None:
        chat.send()
        last = server.log.read_text(encoding="utf-8").splitlines()[-1]
        logged = datetime.fromisoformat(last.split(" ", 1)[0])
        assert abs((datetime.now(UTC) - logged).total_seconds()) < 5
