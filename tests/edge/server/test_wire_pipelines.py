"""Several requests on one connection: each is answered once, in order; what is no request becomes none."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.edge.server.process import Chat
from tests.edge.server.wire import CHUNKED, JSON, LIVE, SEND, Wire, chunked, problem, request

Stored = Callable[[], list[str]]


def send(chat: Chat, content: str) -> bytes:
    """A whole request that sends this from alice to bob."""
    body = json.dumps({"to_username": chat.bob.username, "content": content}).encode()
    return request(SEND, f"Authorization: Bearer {chat.alice.token}", JSON, body=body)


class TestInOnePacket:
    def test_all_are_answered_in_their_order_each_once(self, chat: Chat, stored: Stored) -> None:
        contents = [f"no. {number}" for number in range(30)]
        with Wire(chat.base_url) as wire:
            wire.send(b"".join(send(chat, content) for content in contents) + request("GET /nowhere"))
            assert [wire.reply().json()["message"] for _ in contents] == contents
            problem(wire.reply(), 404, "not_found")
            wire.end()
            assert wire.is_closed()
        assert stored() == contents

    def test_it_does_not_matter_where_one_packet_ends_and_the_next_begins(
        self, chat: Chat, stored: Stored
    ) -> None:
        contents = ["ä", "b" * 50, "c"]
        data = b"".join(send(chat, content) for content in contents)
        for size in (1, 7, 64):
            with Wire(chat.base_url) as wire:
                for place in range(0, len(data), size):
                    wire.send(data[place : place + size])
                assert [wire.reply().json()["message"] for _ in contents] == contents
        assert stored() == contents * 3

    def test_two_users_on_one_connection_get_each_their_own_answer(self, chat: Chat) -> None:
        """As behind a proxy that keeps its connections."""
        users = [chat.alice, chat.bob] * 5
        with Wire(chat.base_url) as wire:
            for user in users:
                path = f"/api/users/messages/poll/{chat.alice.username}"
                wire.send(request(f"GET {path}", f"Authorization: Bearer {user.token}"))
            assert [wire.reply().status for _ in users] == [200, 403] * 5

    def test_a_refused_one_does_not_disturb_the_next(self, chat: Chat, stored: Stored) -> None:
        bad_json = request(SEND, f"Authorization: Bearer {chat.alice.token}", JSON, body=b"{")
        with Wire(chat.base_url) as wire:
            wire.send(bad_json + send(chat, "after it") + request("BREW /health/live") + request(LIVE))
            problem(wire.reply(), 400, "invalid_request")
            assert wire.reply().json()["message"] == "after it"
            problem(wire.reply(), 405, "method_not_allowed")
            assert wire.reply().status == 200
        assert stored() == ["after it"]

    def test_behind_one_that_cannot_be_read_nothing_is(self, chat: Chat, stored: Stored) -> None:
        with Wire(chat.base_url) as wire:
            wire.send(send(chat, "before it") + b"no request\r\n\r\n" + send(chat, "behind it"))
            assert wire.reply().json()["message"] == "before it"
            problem(wire.reply(), 400, "bad_request")
            assert wire.is_closed()
        assert stored() == ["before it"]

    @pytest.mark.parametrize("header", ["Connection: close", "Connection: Close"])
    def test_behind_one_that_ends_the_connection_nothing_is(
        self, chat: Chat, stored: Stored, header: str
    ) -> None:
        with Wire(chat.base_url) as wire:
            wire.send(request(LIVE, header) + send(chat, "too late"))
            assert wire.reply().headers["connection"] == "close"
            assert wire.is_closed()
        assert stored() == []


class TestSmuggling:
    """What a proxy takes for the body of one request must never be another request here."""

    @pytest.mark.parametrize(
        ("framing", "status", "code"),
        [
            (["Content-Length: 5", CHUNKED], 400, "bad_request"),
            ([CHUNKED, "Content-Length: 5"], 400, "bad_request"),
            ([CHUNKED, "content-length: 5"], 400, "bad_request"),
            (["Content-Length: 5", "Content-Length: 5"], 400, "bad_request"),
            (["Content-Length: 5", "Content-Length: 0"], 400, "bad_request"),
            (["Content-Length: 5, 5"], 400, "bad_request"),
            (["Content-Length: +5"], 400, "bad_request"),
            (["Content-Length: -5"], 400, "bad_request"),
            (["Content-Length: 0x5"], 400, "bad_request"),
            (["Content-Length: 5.0"], 400, "bad_request"),
            (["Content-Length:"], 400, "bad_request"),
            (["Content-Length: " + "9" * 5000], 400, "bad_request"),
            (["Content-Length : 5"], 400, "bad_request"),
            ([CHUNKED, CHUNKED], 400, "bad_request"),
            ([f"{CHUNKED}, chunked"], 400, "bad_request"),
            ([f"{CHUNKED}, identity"], 400, "bad_request"),
            (["Transfer-Encoding: identity", "Content-Length: 5"], 400, "bad_request"),
            (["Transfer-Encoding:\x0bchunked", "Content-Length: 5"], 400, "bad_request"),
            (["Transfer-Encoding : chunked", "Content-Length: 5"], 400, "bad_request"),
            (["X: y\r\n Transfer-Encoding: chunked", "Content-Length: 5"], 400, "bad_request"),
            (["Transfer-Encoding: xchunked", "Content-Length: 5"], 501, "not_implemented"),
            (["Transfer-Encoding: gzip, chunked"], 501, "not_implemented"),
            (["Transfer-Encoding: identity, chunked"], 501, "not_implemented"),
        ],
    )
    def test_a_length_that_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_read(
        self, chat: Chat, stored: Stored, framing: list[str], status: int, code: str
    ) -> None:
        with Wire(chat.base_url) as wire:
            wire.send(request(SEND, JSON, *framing) + b"0\r\n\r\n" + send(chat, "smuggled"))
            reply = wire.reply()
            problem(reply, status, code)
            assert reply.headers["connection"] == "close"
            assert wire.is_closed()
        assert stored() == []

    @pytest.mark.parametrize(
        "line", [LIVE, SEND, "GET /nowhere", "DELETE /health/live", "OPTIONS /health/live"]
    )
    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_a_request_in_a_body_is_a_body_also_where_nobody_reads_it(
        self, chat: Chat, stored: Stored, line: str, is_chunked: bool
    ) -> None:
        hidden = send(chat, "smuggled")
        outer = request(line, CHUNKED) + chunked(hidden) if is_chunked else request(line, body=hidden)
        with Wire(chat.base_url) as wire:
            wire.send(outer + request("GET /nowhere"))
            assert wire.reply().status in (200, 401, 404, 405)
            problem(wire.reply(), 404, "not_found")
            wire.end()
            assert wire.is_closed()
        assert stored() == []

    def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(
        self, chat: Chat, stored: Stored
    ) -> None:
        with Wire(chat.base_url) as wire:
            wire.send(request(LIVE, "Transfer_Encoding: chunked", "Content_Length: 1000"))
            wire.send(send(chat, "the next one"))
            assert [wire.reply().status, wire.reply().status] == [200, 200]
        assert stored() == ["the next one"]

    def test_what_follows_a_tunnels_beginning_is_no_request(self, chat: Chat, stored: Stored) -> None:
        with Wire(chat.base_url) as wire:
            wire.send(request("CONNECT chat:80") + send(chat, "in the tunnel"))
            assert wire.reply().status in (404, 405)
            assert wire.is_closed()
        assert stored() == []
