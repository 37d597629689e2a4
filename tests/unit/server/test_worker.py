"""A malformed request is answered like every other error."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import pytest
from gevent.event import Event
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import errors

from reference_server import logs
from reference_server.process import worker
from reference_server.process.worker import Worker


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and the server's."""
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(10)
        yield client, server


def answer(connection: tuple[socket.socket, socket.socket], error: BaseException) -> tuple[str, Any]:
    """The head and the problem that the client is sent, having sent everything itself."""
    client, server = connection
    client.shutdown(socket.SHUT_WR)
    Worker.handle_error(object.__new__(Worker), None, server, ("192.0.2.1", 1), error)
    head, _, body = client.recv(65_536).partition(b"\r\n\r\n")
    assert client.recv(1) == b""
    return head.decode(), json.loads(body) if body else None


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequestLine("x"), 400, "bad_request"),
        (errors.InvalidHeader("CONTENT-LENGTH"), 400, "bad_request"),
        (errors.LimitRequestLine(9000, 8190), 414, "uri_too_long"),
        (errors.LimitRequestHeaders("too many"), 431, "request_header_fields_too_large"),
        (errors.ExpectationFailed("the best"), 417, "expectation_failed"),
        (errors.UnsupportedTransferCoding("gzip"), 501, "not_implemented"),
    ],
)
def test_each_refusal_is_a_complete_problem(
    connection: tuple[socket.socket, socket.socket], error: Exception, status: int, code: str
) -> None:
    head, problem = answer(connection, error)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["detail"].endswith(".")
    lines = head.split("\r\n")
    expected = ["Connection: close", "Cache-Control: no-store", f"X-Request-Id: {problem['request_id']}"]
    assert {*expected, "Content-Type: application/problem+json"} <= {*lines}


def test_what_is_quoted_is_short_and_starts_no_header(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    head, problem = answer(connection, errors.InvalidHeader("a\r\nSet-Cookie: b" + "x" * 10_000))
    assert "Set-Cookie" not in head
    assert len(problem["detail"]) < 300


def test_a_bug_is_logged_with_its_trace_and_not_told(
    connection: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    _, problem = answer(connection, ZeroDivisionError("a secret of the server"))
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "secret" not in str(problem)
    assert [record for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    assert logs.request_id.get() == logs.NO_REQUEST


@pytest.mark.parametrize("end", [gevent.GreenletExit(), SystemExit(0)])
def test_the_end_of_the_worker_is_no_answer(
    connection: tuple[socket.socket, socket.socket], end: BaseException
) -> None:
    client, server = connection
    Worker.handle_error(object.__new__(Worker), None, server, ("192.0.2.1", 1), end)
    server.close()
    assert client.recv(1) == b""


def test_the_client_has_gone(connection: tuple[socket.socket, socket.socket]) -> None:
    client, server = connection
    client.close()
    Worker.handle_error(
        object.__new__(Worker), None, server, ("192.0.2.1", 1), errors.InvalidRequestLine("x")
    )


def test_a_connection_that_is_served_after_its_listener_was_closed_still_knows_where_it_was_accepted() -> (
    None
):
    """As when a worker is replaced: gunicorn asks the listener when the connection's greenlet first runs."""
    worker, gate, entered, names = object.__new__(Worker), Event(), Event(), list[Any]()

    def handle(listener: Any, client: Any, addr: Any) -> None:
        entered.set()
        gate.wait()
        names.append(listener.getsockname())

    worker.worker_connections, worker.handle = 1, handle
    with gevent.socket.create_server(("127.0.0.1", 0)) as listener:
        name = listener.getsockname()
        server = worker._listening(listener)
        with gevent.socket.create_connection(name), gevent.Timeout(10):
            entered.wait()
            server.close()
            gate.set()
            server.pool.join()
    assert names == [name]


def test_settings_are_those_of_gunicorn_and_the_date_is_that_of_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(util, "http_date", util.http_date)  # put back in the end
    config = Config()
    config.set("keepalive", 17)
    expected = {name: getattr(config, name) for name in config.settings}
    worker._remember_what_each_request_asks(config)
    assert {name: getattr(config, name) for name in config.settings} == expected
    dates = []
    for now_s in (1_767_268_800.1, 1_767_268_800.9, 1_767_268_801.0, 1_767_268_800.5):
        monkeypatch.setattr(time, "time", lambda now_s=now_s: now_s)
        dates.append(util.http_date())
    noon = "Thu, 01 Jan 2026 12:00:0{} GMT".format
    assert dates == [noon(0), noon(0), noon(1), noon(0)]
