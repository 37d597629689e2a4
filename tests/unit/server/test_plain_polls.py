"""Plain polls are answered in front of Flask: what differs is the way, never the answer."""

from __future__ import annotations

from typing import Any

import pytest

from reference_server.blueprints import plain_polls
from tests.unit.server.http_app import MESSAGES, Http, problem
from tests.unit.server.world import World

POLL = f"{MESSAGES}/poll/bob"
SINCE = "2026-01-01T12:00:00.000000Z"
NOT_THE_SAME_TWICE = ("timestamp", "request_id")


@pytest.fixture
def by_flask(http: Http, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The endpoints that Flask was asked for."""
    endpoints: list[str] = []

    @http.client.application.before_request
    def note() -> None:
        from flask import request

        endpoints.append(str(request.endpoint))

    return endpoints


def answered(http: Http, query: str) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    response = http.poll(query)
    body = {name: value for name, value in response.get_json().items() if name not in NOT_THE_SAME_TWICE}
    headers = [header for header in response.headers if header[0] not in ("X-Request-Id", "Content-Length")]
    return response.status_code, body, sorted(headers)


@pytest.mark.parametrize(
    "query", ["", f"?since={SINCE}", "?limit=1", "?limit=100", f"?limit=2&since={SINCE.replace(':', '%3A')}"]
)
def test_a_plain_poll_is_answered_as_flask_would(http: Http, by_flask: list[str], query: str) -> None:
    for content in ("one", "two", "three"):
        http.send(content)
    by_flask.clear()
    plain = answered(http, query)
    assert by_flask == []
    assert plain == answered(http, f"{query}&wait=0" if query else "?wait=0")
    assert by_flask == ["messages.poll"]


def test_an_idle_one_too(http: Http, by_flask: list[str]) -> None:
    http.send("one")
    query = f"?since={http.poll().get_json()['next_since']}"
    by_flask.clear()
    assert [answered(http, query) for _ in range(2)] == [answered(http, f"{query}&wait=0")] * 2
    assert by_flask == ["messages.poll"]


def test_a_store_that_fails_is_the_same_problem(http: Http, world: World, by_flask: list[str]) -> None:
    world.queue.down = world.store.down = True
    plain = answered(http, f"?since={SINCE}")
    assert by_flask == []
    assert plain == answered(http, f"?since={SINCE}&wait=0")
    problem(http.poll(f"?since={SINCE}"), 503, "unavailable")


def test_a_bug_is_a_problem(http: Http, world: World, by_flask: list[str]) -> None:
    world.queue.read = lambda *asked: 1 / 0
    problem(http.poll(f"?since={SINCE}"), 500, "internal_error")
    assert by_flask == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?wait=0", 200),
        ("?more=1", 200),
        ("?since=2026-01-01T12:00:00Z", 200),
        (f"?since={SINCE}&limit=", 400),
        ("?limit=0", 400),
        ("?limit=101", 400),
        ("?limit=1&limit=1", 400),
        ("?since=2026-02-30T12:00:00.000000Z", 400),
        ("?since", 400),
        ("?&", 200),
    ],
)
def test_whatever_is_spelled_otherwise_is_for_flask(
    http: Http, by_flask: list[str], query: str, status: int
) -> None:
    assert http.poll(query).status_code == status
    assert by_flask == ["messages.poll"]


@pytest.mark.parametrize(
    ("method", "path", "user", "status"),
    [
        ("GET", POLL, None, 401),
        ("GET", POLL, "alice", 403),
        ("HEAD", POLL, "bob", 200),
        ("GET", f"{POLL}/", "bob", 404),
        ("GET", f"{MESSAGES}/poll/b%6Fb", "bob", 200),
        ("GET", f"{MESSAGES}/poll/bo", "bo", 400),
        ("POST", POLL, "bob", 405),
    ],
)
def test_so_is_every_other_request(
    http: Http, by_flask: list[str], method: str, path: str, user: str | None, status: int
) -> None:
    assert http.call(method, path, user=user).status_code == status
    assert len(by_flask) == 1


def test_it_counts_as_a_poll(http: Http) -> None:
    http.poll(f"?since={SINCE}")
    page = http.get("/metrics").text
    assert 'chat_request_seconds_count{endpoint="messages.poll",status="200"} 1.0' in page


def test_the_defaults_are_those_of_flask() -> None:
    assert plain_polls._read_query("") == {}
