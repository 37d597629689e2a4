"""Fifty sign-ins at once: nobody else waits for them, and those who do not fit in are told so."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.client import Answer, Client
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.server.paths import LOGIN
from tests.edge.server.process import Chat, target

HOME, AWAY = "203.0.113.7", "198.51.100.9"
LIMITS = {"SIGN_IN_FAILURES_PER_ADDRESS": "1000", "SIGN_IN_FAILURES_PER_ACCOUNT": "1000"}
ONE_WORKER = {"WORKERS": "1", "TRUSTED_PROXIES": "1"}
"""So that all wait in the same queue."""
PATIENT = {"REDIS_TIMEOUT_MS": "10000", "MONGODB_TIMEOUT_MS": "10000"}
"""What is asked here is who goes before whom, not how quick a busy machine is."""
SETTINGS = LIMITS | ONE_WORKER | PATIENT


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    server = target(services, tmp_path_factory.mktemp("rush"), HASHING_QUEUE="50", **SETTINGS)
    server.start()
    yield server
    server.stop()


def sign_in(base_url: str, name: str, address: str) -> Answer:
    """Sign in over a connection of its own, however long it takes."""
    body = {"username": name, "password": "long enough"}
    with contextlib.closing(Client(base_url, name, "long enough", timeout_s=60)) as client:
        return client.call("POST", LOGIN, body=body, headers={"X-Forwarded-For": address})


class Rush:
    """Many who sign in at once from one address, each over a connection of its own."""

    def __init__(self, base_url: str, names: list[str]) -> None:
        self.answers: list[Answer] = []
        self._base_url = base_url
        self._threads = [threading.Thread(target=self._sign_in, args=(name,), daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def _sign_in(self, name: str) -> None:
        self.answers.append(sign_in(self._base_url, name, HOME))

    def is_under_way(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def statuses(self) -> list[int | None]:
        """Of all of them, at the end."""
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive()
        return [answer.status for answer in self.answers]


@pytest.mark.parametrize(
    ("address", "names"),
    [
        pytest.param(AWAY, [f"nobody{number}" for number in range(50)], id="at another address"),
        pytest.param(HOME, ["victim"] * 50, id="at the same address, while one name is tried"),
    ],
)
def test_somebody_else_is_signed_in_before_nearly_all_of_them(
    server: Target, chat: Chat, address: str, names: list[str]
) -> None:
    rush = Rush(server.base_url, names)
    wait_until(lambda: rush.answers, deadline_s=30, what="the first of them to be answered")
    before = len(rush.answers)
    assert sign_in(server.base_url, chat.bob.username, address).status == 200
    assert len(rush.answers) - before <= 10
    assert set(rush.statuses()) == {401}


def test_polls_go_on(server: Target, chat: Chat) -> None:
    """A poll costs a tenth of a hash: done in the same place, there would be no more polls than hashes."""
    rush = Rush(server.base_url, [f"nobody{number}" for number in range(50)])
    polls = 0
    while rush.is_under_way():
        assert chat.poll().status == 200
        polls += 1
    assert rush.statuses() == [401] * 50
    assert polls >= 100


def test_who_does_not_fit_into_the_queue_is_told_at_once(services: Services, tmp_path: Path) -> None:
    server = target(services, tmp_path, HASHING_QUEUE="2", **SETTINGS)
    server.start()
    try:
        with contextlib.closing(Chat(server.base_url)) as chat:
            rush = Rush(server.base_url, [f"nobody{number}" for number in range(30)])
            assert set(rush.statuses()) == {401, 503}
            refused = next(answer for answer in rush.answers if answer.status == 503)
            assert refused.headers["Retry-After"] == "1"
            assert "Too many are signing in" in refused.body["detail"]
            assert sign_in(server.base_url, chat.bob.username, HOME).status == 200
    finally:
        server.stop()
