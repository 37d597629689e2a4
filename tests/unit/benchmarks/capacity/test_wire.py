"""What the generator reads out of the contract's answers, and what it makes of others."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks.capacity import wire
from benchmarks.capacity.machine import Processors, shared_out
from harness.history import Outcome
from harness.history.operations import Received

MESSAGE = {
    "id": "m1",
    "seq": 1,
    "from": "alice",
    "to": "bob",
    "message": "hé",
    "timestamp": "2026-01-01T12:00:00.000001Z",
    "client_message_id": None,
}


def test_a_page_is_read_as_the_history_has_it() -> None:
    body = {"messages": [MESSAGE], "next_since": "t", "has_more": True, "count": 1, "success": True}
    page = wire.page_of(json.dumps(body).encode())
    assert page is not None
    assert (page.next_since, page.has_more, page.gap) == ("t", True, False)
    assert page.messages[0].received() == Received("m1", 1, "alice", "bob", "hé", MESSAGE["timestamp"], None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"messages": [{"id": 7}], "next_since": null}'])
def test_an_answer_that_the_contract_does_not_know_is_not_read(body: bytes) -> None:
    assert wire.page_of(body) is None
    assert wire.ack_of(body) is None


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, b"{}", Outcome.REFUSED),
        (429, b"", Outcome.REFUSED),
        (503, b'{"outcome": "not_stored"}', Outcome.REFUSED),
        (503, b'{"outcome": "unknown"}', Outcome.UNKNOWN),
        (503, b"<html>", Outcome.UNKNOWN),
        (500, b'{"outcome": "not_stored"}', Outcome.UNKNOWN),
        (200, b"<html>", Outcome.UNKNOWN),
    ],
)
def test_what_other_answers_prove(status: int, body: bytes, outcome: Outcome) -> None:
    assert wire.outcome_of(status, body) is outcome


def test_a_cursor_is_escaped_in_a_poll() -> None:
    request = wire.poll_request("host:80", "token", "bob", "2026-01-01T12:00:00+00:00")
    assert request.startswith(
        b"GET /api/users/messages/poll/bob?since=2026-01-01T12%3A00%3A00%2B00%3A00 HTTP/1.1"
    )
    assert request.endswith(b"\r\n\r\n")


def test_a_send_has_the_length_of_its_body_in_bytes() -> None:
    head, _, body = wire.send_request("host:80", "token", "bob", "hé", "c1").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body) == {"to_username": "bob", "content": "hé", "client_message_id": "c1"}


@pytest.mark.parametrize(
    ("usable", "expected"),
    [
        ({0}, Processors(1)),
        ({0, 1}, Processors(2, frozenset({0}), frozenset({1}))),
        ({2, 3, 5}, Processors(3, frozenset({2, 3}), frozenset({5}))),
    ],
)
def test_the_generator_has_the_last_processor_where_there_are_several(
    usable: set[int], expected: Processors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: usable, raising=False)
    assert shared_out() == expected
    assert expected.for_servers == max(1, len(usable) - 1)
