"""Heads that are not HTTP, or only just: refused as problems, or taken for what they are."""

from __future__ import annotations

import pytest

from harness.stack.target_process import Target
from tests.edge.server.wire import LIVE, Wire, ask, problem, request


@pytest.mark.parametrize(
    "data",
    [
        b"GET /health/live HTTP/1.1\nHost: chat\n\n",
        b"GET /health/live HTTP/1.1\r\nHost: chat\nX: y\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: chat\r\n X: folded\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX : y\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX: a\rb\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX\xe9: y\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
        b"GET /health\x00/live HTTP/1.1\r\n\r\n",
        b"GET /health/\xe9 HTTP/1.1\r\n\r\n",
        b"GET health/live HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET  /health/live HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/1.1 \r\n\r\n",
        b"GET /health/live\r\n\r\n",
        b"GET /health/live HTTP/2.0\r\n\r\n",
        b"GET /health/live HTTP/1.10\r\n\r\n",
        b"GET /health/live FTP/1.1\r\n\r\n",
        b"get /health/live HTTP/1.1\r\n\r\n",
        b"G\x00T /health/live HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n\r\n\r\nGET /health/live HTTP/1.1\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x16\x03\x01\x00\n\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(server: Target, data: bytes) -> None:
    reply, closes = ask(server.base_url, data)
    assert "not a legal request" in problem(reply, 400, "bad_request")
    assert closes


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (request("GET /" + "x" * 9000), 414, "uri_too_long"),
        (request(f"{LIVE}?" + "x" * 9000), 414, "uri_too_long"),
        (request("A" * 100_000), 414, "uri_too_long"),
        (request(LIVE, "X: " + "y" * 9000), 431, "request_header_fields_too_large"),
        (request(LIVE, "X" * 9000 + ": y"), 431, "request_header_fields_too_large"),
        (request(LIVE, *(f"X-{number}: y" for number in range(200))), 431, "request_header_fields_too_large"),
        (request(LIVE, "Expect: everything"), 417, "expectation_failed"),
    ],
)
def test_what_is_too_much_is_refused_as_what_it_is(
    server: Target, data: bytes, status: int, code: str
) -> None:
    reply, closes = ask(server.base_url, data)
    problem(reply, status, code)
    assert closes


def test_a_head_without_an_end_is_read_no_further(server: Target) -> None:
    with Wire(server.base_url) as wire:
        wire.send(request(LIVE)[:-2] + b"X: yyyyyyyy\r\n" * 1_000_000)
        problem(wire.reply(), 431, "request_header_fields_too_large")
        assert wire.is_closed()


@pytest.mark.parametrize(
    "path", ["/%", "/%zz", "/%ff", "/%00", "/health/live%00", "/..%2f..%2fetc/passwd", "/%2e%2e/", "/a;b"]
)
def test_a_strange_path_is_nobodys(server: Target, path: str) -> None:
    reply, _ = ask(server.base_url, request(f"GET {path}"))
    problem(reply, 404, "not_found")


@pytest.mark.parametrize(
    "data",
    [
        request("GET http://elsewhere.example/health/live"),
        request("GET /health/%6cive"),
        request("GET /health/live?%zz=%ff&&=&a"),
        request("GET /health/live#fragment"),
        request(LIVE, "Expect: 100-continue"),
        request(LIVE, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"),
        request(LIVE, "SCRIPT_NAME: /health", "PATH_INFO: /nowhere"),
        request(LIVE, "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off", "X-Forwarded-For: \xe9, ::, 1.2"),
        request(LIVE, "Accept: image/png", "Accept-Encoding: *;q=0", "Range: bytes=5-1", "If-None-Match: *"),
        request(LIVE, "Cookie: " + "a=b;" * 1000, "Authorization: Basic \xff"),
        b"\r\nGET /health/live HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_merely_unusual_is_answered(server: Target, data: bytes) -> None:
    with Wire(server.base_url) as wire:
        wire.send(data)
        reply = wire.reply()
        if reply.status == 100:
            reply = wire.reply()
        assert (reply.status, reply.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("host", ["", "a b", "[::1", "\xff", "../..", "chat:99999999", "a" * 60, "<script>"])
def test_a_host_of_any_kind_is_only_ever_a_header(server: Target, host: str) -> None:
    for path, status in (("/health/live", 200), ("/health//live", 404)):
        data = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
        reply, _ = ask(server.base_url, data)
        assert reply.status == status
        assert "location" not in reply.headers


def test_a_web_socket_is_asked_for_in_vain(server: Target) -> None:
    reply, _ = ask(server.base_url, request(LIVE, "Upgrade: websocket", "Connection: Upgrade"))
    problem(reply, 400, "bad_request")


class TestHttp10:
    def test_it_is_answered_and_the_connection_closed(self, server: Target) -> None:
        with Wire(server.base_url) as wire:
            wire.send(b"GET /health/live HTTP/1.0\r\n\r\n")
            reply = wire.reply()
            assert (reply.status, reply.headers["connection"]) == (200, "close")
            assert wire.is_closed()

    def test_it_may_ask_for_the_connection_to_be_kept(self, server: Target) -> None:
        with Wire(server.base_url) as wire:
            for _ in range(2):
                wire.send(b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert wire.reply().status == 200

    def test_it_knows_no_chunks(self, server: Target) -> None:
        data = b"GET /health/live HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        reply, _ = ask(server.base_url, data)
        problem(reply, 400, "bad_request")


def test_nothing_of_this_is_an_error_in_the_log(server: Target) -> None:
    """Nothing that other tests sent to this server before, either."""
    ask(server.base_url, b"\x1b[31m\r\n\r\n")
    log = server.log.read_text(encoding="utf-8")
    assert "Refused a malformed request from 127.0.0.1: Invalid HTTP request line" in log
    assert "\x1b" not in log
    assert not [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line]
