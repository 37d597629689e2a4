"""A body is read completely, or the request is refused and its connection closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gevent
import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser

from reference_server.errors import InvalidRequest, RequestTimeout
from reference_server.process.body import MAX_CHUNKED_BYTES, MAX_CHUNKS, MAX_SKIPPED_BYTES, Body

CHUNKED = "Transfer-Encoding: chunked"
WHOLE = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"


def parser_of(head: str, pieces: Iterable[bytes]) -> RequestParser:
    """gunicorn's parser of a connection on which this comes in, and then its end."""

    def incoming() -> Iterator[bytes]:
        yield f"POST / HTTP/1.1\r\n{head}\r\n\r\n".encode()
        yield from pieces

    return RequestParser(Config(), incoming(), ("127.0.0.1", 1))


def body_of(head: str, *pieces: bytes, timeout_s: float = 30) -> tuple[Body, Any]:
    request = next(parser_of(head, pieces))
    return Body(request, timeout_s), request


@pytest.mark.parametrize(
    ("head", "pieces"),
    [
        ("Content-Length: 5", [b"hello"]),
        ("Content-Length: 5", [b"he", b"l", b"lo and more"]),
        (CHUNKED, [b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"]),
        (CHUNKED, [b"2\r", b"\nhe\r\n", b"3;a=b\r\nllo\r\n0\r\nA: b\r\n", b"\r\n"]),
    ],
)
def test_a_whole_one_is_read_to_its_end_and_no_further(head: str, pieces: list[bytes]) -> None:
    body, request = body_of(head, *pieces)
    assert body.read() == b"hello"
    assert body.read() == b""
    assert not body.failed
    assert not request.should_close()


def test_no_body_is_an_empty_one() -> None:
    body, request = body_of("A: b", b"the next request")
    assert body.read() == b""
    assert not request.should_close()


@pytest.mark.parametrize("pieces", [[], [b"hell"], [b"he", b"ll"]])
def test_one_that_ends_before_its_declared_length_is_refused(pieces: list[bytes]) -> None:
    body, request = body_of("Content-Length: 5", *pieces)
    with pytest.raises(InvalidRequest, match="ended before it was complete"):
        body.read()
    assert body.failed
    assert request.should_close()


@pytest.mark.parametrize(
    "pieces",
    [
        [b"zz\r\nhello\r\n0\r\n\r\n"],
        [b"-5\r\nhello\r\n0\r\n\r\n"],
        [b"\r\nhello"],
        [b"5\r\nhelloXX0\r\n\r\n"],
        [b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"],
        [b"5\r\nhell"],
        [b"5\r\nhello\r\n"],
        [b"5\r\nhello\r\n0\r\n"],
        [b"f" * 30 + b"\r\nhello"],
        [b"0" * 10_000],
    ],
)
def test_chunks_that_cannot_be_read_to_their_end_are_refused(pieces: list[bytes]) -> None:
    body, request = body_of(CHUNKED, *pieces)
    with pytest.raises(InvalidRequest):
        body.read()
    assert body.failed
    assert request.should_close()


def test_one_that_comes_too_slowly_is_refused() -> None:
    def never_ends() -> Iterator[bytes]:
        yield b"he"
        gevent.sleep(3600)

    request = next(parser_of("Content-Length: 5", never_ends()))
    body = Body(request, timeout_s=0.01)
    with pytest.raises(RequestTimeout):
        body.read()
    assert request.should_close()


class TestAfterTheAnswer:
    def test_an_unread_body_is_skipped_up_to_the_next_request(self) -> None:
        parser = parser_of("Content-Length: 5", [b"hello", b"GET /next HTTP/1.1\r\n\r\n"])
        request = next(parser)
        request.body = body = Body(request)
        body.is_answered = True
        assert next(parser).uri == "/next"

    @pytest.mark.parametrize(
        ("head", "piece"), [("Content-Length: 5", b"hell"), (CHUNKED, b"zz\r\n"), (CHUNKED, b"5\r\nhell")]
    )
    def test_a_broken_one_is_no_second_answer_but_the_end(self, head: str, piece: bytes) -> None:
        body, _ = body_of(head, piece)
        body.is_answered = True
        with pytest.raises(NoMoreData):
            body.readall()

    def test_a_huge_one_is_not_waited_for(self) -> None:
        declared, request = body_of(f"Content-Length: {MAX_SKIPPED_BYTES + 1}")
        assert declared.failed
        assert request.should_close()
        endless = (b"1000\r\n" + b"x" * 0x1000 + b"\r\n" for _ in iter(int, 1))
        body = Body(next(parser_of(CHUNKED, endless)))
        body.is_answered = True
        with pytest.raises(NoMoreData):
            body.readall()


class TestMostlyFrame:
    """A chunked body whose chunks each cost more work than their bytes."""

    def test_so_many_chunks_are_a_body(self) -> None:
        body, _ = body_of(CHUNKED, b"1\r\nx\r\n" * MAX_CHUNKS + b"0\r\n\r\n")
        assert body.read() == b"x" * MAX_CHUNKS
        assert not body.failed

    def test_more_of_them_are_refused_and_their_connection_ends(self) -> None:
        body, request = body_of(CHUNKED, b"1\r\nx\r\n" * (MAX_CHUNKS + 1) + b"0\r\n\r\n")
        with pytest.raises(InvalidRequest, match="too many"):
            body.read()
        assert body.failed
        assert request.should_close()

    def test_chunks_with_long_extensions_are_refused(self) -> None:
        chunk = b"1;" + b"a" * 8000 + b"\r\nx\r\n"
        body, _ = body_of(CHUNKED, *[chunk] * (MAX_CHUNKED_BYTES // 8000 + 1), b"0\r\n\r\n")
        with pytest.raises(InvalidRequest, match="most of it is not body"):
            body.read()

    def test_they_are_not_skipped_either(self) -> None:
        body, _ = body_of(CHUNKED, b"1\r\nx\r\n" * (MAX_CHUNKS + 1) + b"0\r\n\r\n")
        body.is_answered = True
        with pytest.raises(NoMoreData):
            body.read()

    def test_what_follows_the_body_is_not_counted(self) -> None:
        body, request = body_of(CHUNKED, b"2\r\nhe\r\n0\r\n\r\n" + b"x" * 8192)
        assert body.read() == b"he"
        assert not request.should_close()


def test_one_that_came_in_with_its_head_needs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gevent, "Timeout", None)
    request = next(RequestParser(Config(), iter([WHOLE + b"GET / HTTP"]), ("127.0.0.1", 1)))
    body = Body(request)
    assert (body.read(3), body.read(), body.read()) == (b"hel", b"lo", b"")
    assert request.unreader.read() == b"GET / HTTP"


@pytest.mark.parametrize("missing", [1, 5])
def test_one_of_which_anything_is_missing_is_waited_for_no_longer_than_it_may(missing: int) -> None:
    def incoming() -> Iterator[bytes]:
        yield WHOLE[:-missing]
        gevent.sleep(30)
        yield WHOLE[-missing:]

    body = Body(next(RequestParser(Config(), incoming(), ("127.0.0.1", 1))), timeout_s=0.05)
    with pytest.raises(RequestTimeout):
        body.read(5)
    assert body.failed
