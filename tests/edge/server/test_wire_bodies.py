"""Bodies as no library sends them: cut off, too long, in bad chunks. Only whole ones are stored."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from reference_server.config import MAX_BODY_BYTES
from tests.edge.server.process import Chat
from tests.edge.server.wire import CHUNKED, FORM, JSON, LIVE, SEND, Wire, ask, chunked, problem, request

Stored = Callable[[], list[str]]


def bodies(chat: Chat) -> dict[str, bytes]:
    """One message as each type that a send may have."""
    body = json.dumps({"to_username": chat.bob.username, "content": "hi"})
    return {JSON: body.encode(), FORM: f"to_username={chat.bob.username}&content=hi".encode()}


def head(chat: Chat, *headers: str) -> bytes:
    return request(SEND, f"Authorization: Bearer {chat.alice.token}", *headers)


def refused_sends(chat: Chat) -> float:
    """How many sends all workers have answered 400, also where nobody heard it."""
    lines = chat.bob.call("GET", "/metrics").text.splitlines()
    counted = 'chat_request_seconds_count{endpoint="messages.send",status="400"}'
    return sum(float(line.split()[1]) for line in lines if line.startswith(counted))


kinds = pytest.mark.parametrize("kind", [JSON, FORM])


class TestWhole:
    @kinds
    def test_in_chunks_it_is_as_good_as_in_one_piece(self, chat: Chat, stored: Stored, kind: str) -> None:
        body = bodies(chat)[kind]
        pieces = chunked(*(body[place : place + 7] for place in range(0, len(body), 7)))
        reply, _ = ask(chat.base_url, head(chat, kind, CHUNKED) + pieces)
        assert (reply.status, stored()) == (200, ["hi"])

    @kinds
    def test_what_follows_it_is_none_of_it(self, chat: Chat, stored: Stored, kind: str) -> None:
        body = bodies(chat)[kind]
        with Wire(chat.base_url) as wire:
            wire.send(head(chat, kind, f"Content-Length: {len(body)}") + body + b"&content=more\r\n\r\n")
            assert wire.reply().status == 200
            problem(wire.reply(), 400, "bad_request")
            assert wire.is_closed()
        assert stored() == ["hi"]

    def test_its_sender_is_told_to_go_on_where_it_asks(self, chat: Chat, stored: Stored) -> None:
        body = bodies(chat)[JSON]
        with Wire(chat.base_url) as wire:
            wire.send(head(chat, JSON, f"Content-Length: {len(body)}", "Expect: 100-continue"))
            assert wire.reply().status == 100
            wire.send(body)
            assert wire.reply().status == 200
        assert stored() == ["hi"]


class TestCutOff:
    @kinds
    @pytest.mark.parametrize("missing", [1, 10, 10**12])
    def test_shorter_than_declared_it_is_refused(
        self, chat: Chat, stored: Stored, kind: str, missing: int
    ) -> None:
        """As it stands it is a whole message, but nobody knows what was to follow."""
        body = bodies(chat)[kind]
        length = f"Content-Length: {len(body) + missing}"
        reply, closes = ask(chat.base_url, head(chat, kind, length) + body)
        if missing < MAX_BODY_BYTES:
            assert "complete" in problem(reply, 400, "invalid_request")
        else:
            problem(reply, 413, "request_entity_too_large")
        assert closes
        assert stored() == []

    @kinds
    @pytest.mark.parametrize("kept", [1, 5, -7, -6, -5, -2, -1])
    def test_its_chunks_without_their_end_it_is_refused(
        self, chat: Chat, stored: Stored, kind: str, kept: int
    ) -> None:
        pieces = chunked(bodies(chat)[kind])[:kept]
        reply, closes = ask(chat.base_url, head(chat, kind, CHUNKED) + pieces)
        problem(reply, 400, "invalid_request")
        assert closes
        assert stored() == []

    @kinds
    def test_whoever_hangs_up_in_the_middle_has_sent_nothing(
        self, server: Target, chat: Chat, stored: Stored, kind: str
    ) -> None:
        body, before, logged = bodies(chat)[kind], refused_sends(chat), server.log.stat().st_size
        for framing, piece in ((f"Content-Length: {len(body) + 1}", body), (CHUNKED, chunked(body)[:-2])):
            with Wire(chat.base_url) as wire:
                wire.send(head(chat, kind, framing) + piece)
        wait_until(
            lambda: refused_sends(chat) == before + 2,
            deadline_s=30,
            what="the server to give both of them up",
        )
        assert stored() == []
        assert b"Traceback" not in server.log.read_bytes()[logged:]  # other tests have broken its stores


class TestChunks:
    @pytest.mark.parametrize(
        "size", [b"zz", b"-5", b"+5", b"0x5", b"", b" 5", b"5 5", b"5;=", b"5\n", b"f" * 40, b"9" * 9000]
    )
    def test_a_size_that_is_none_or_never_comes_is_refused(
        self, chat: Chat, stored: Stored, size: bytes
    ) -> None:
        pieces = size + b"\r\n" + bodies(chat)[JSON] + b"\r\n0\r\n\r\n"
        reply, closes = ask(chat.base_url, head(chat, JSON, CHUNKED) + pieces)
        problem(reply, 400, "invalid_request")
        assert closes
        assert stored() == []

    @pytest.mark.parametrize(
        "end", [b"XX0\r\n\r\n", b"\r\n0\r\nContent-Length: 5\r\n\r\n", b"\r\n0\r\n:\r\n\r\n"]
    )
    def test_an_end_that_is_none_is_refused(self, chat: Chat, stored: Stored, end: bytes) -> None:
        body = bodies(chat)[JSON]
        reply, closes = ask(chat.base_url, head(chat, JSON, CHUNKED) + b"%x\r\n" % len(body) + body + end)
        assert "chunks" in problem(reply, 400, "invalid_request")
        assert closes
        assert stored() == []

    @pytest.mark.parametrize("line", [LIVE, "POST /api/users/messages", "GET /nowhere"])
    def test_where_nobody_reads_them_they_end_the_connection_without_a_second_answer(
        self, chat: Chat, line: str
    ) -> None:
        reply, _ = ask(chat.base_url, request(line, CHUNKED) + b"zz\r\n" + request(LIVE))
        assert reply.status == {LIVE: 200, SEND: 401}.get(line, 404)


class TestTooLarge:
    @kinds
    @pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
    @pytest.mark.parametrize("is_declared", [True, False])
    def test_the_limit_is_one_whatever_was_declared(
        self, chat: Chat, stored: Stored, kind: str, is_declared: bool, size: int
    ) -> None:
        body = bodies(chat)[kind] + (b"&padding=" if kind == FORM else b"")
        body = body.ljust(size)
        framing, sent = (f"Content-Length: {size}", body) if is_declared else (CHUNKED, chunked(body))
        reply, _ = ask(chat.base_url, head(chat, kind, framing) + sent)
        if size > MAX_BODY_BYTES:
            assert "262,144" in problem(reply, 413, "request_entity_too_large")
        else:
            assert reply.status == 200
        assert stored() == ["hi"] * (reply.status == 200)

    @pytest.mark.parametrize("framing", [f"Content-Length: {10**15}", CHUNKED])
    def test_an_endless_one_is_answered_and_then_no_longer_listened_to(
        self, chat: Chat, framing: str
    ) -> None:
        piece = chunked(b"x" * 65_536)[:-5] if framing == CHUNKED else b"x" * 65_536
        with Wire(chat.base_url) as wire:
            wire.send(head(chat, JSON, framing) + piece * 100)
            problem(wire.reply(), 413, "request_entity_too_large")
            assert wire.is_closed()
