"""A client's time-out is for the whole answer, however a server stretches it, and no answer is endless."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from harness.adapters import bounded_http
from harness.adapters.http import json_object
from harness.adapters.over_http import Codec, HttpAdapter
from harness.adapters.wire import Wire
from harness.client import Answer, Body, Client, Page, Result
from harness.history import Outcome, Unreadable

EVERY_S, TIMEOUT_S = 0.02, 0.4
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Speak = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(speak: Speak) -> Iterator[str]:
    """A server that reads each request's first bytes and then speaks; gives its URL."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):  # the client may hang up
                if connection.recv(65_536):
                    speak(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield "http://{}:{}".format(*listener.getsockname())
        over.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(10)
    assert not thread.is_alive()


def ask(speak: Speak) -> Answer:
    with serving(speak) as url, contextlib.closing(Client(url, "alice", "", timeout_s=TIMEOUT_S)) as client:
        return client.call("GET", "/")


def polled(answer: Answer) -> Result[Page]:
    """What a user concludes from this answer to a poll, after right ones: the profile fits."""
    codec = Codec(Wire())
    page = json_object(message(client_message_id="own"))[0]
    codec.reader.page(Answer(200, page, None, 0, 1), mailbox="alice", since=None)
    new = partial(HttpAdapter, codec=codec, transport=lambda request: answer)
    return Client("", "alice", "", new_adapter=new).poll({})


def dripping(said: bytes) -> Speak:
    """Byte by byte, each much sooner than the time-out, all of them much later."""

    def speak(connection: socket.socket) -> None:
        for byte in said:
            connection.sendall(bytes([byte]))
            time.sleep(EVERY_S)  # the server's own rhythm

    return speak


def pouring(head: bytes, *, rest: bytes) -> Speak:
    def speak(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in itertools.count():
            connection.sendall(rest)

    return speak


@pytest.mark.parametrize(
    "speak",
    [
        dripping(OK + b"X-Padding: " + b"x" * 60 + b"\r\nContent-Length: 2\r\n\r\n{}"),
        lambda connection: (
            connection.sendall(OK + b"Content-Length: 60\r\n\r\n"),
            dripping(b"{" + b" " * 58 + b"}")(connection),
        ),
        lambda connection: (
            connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n"),
            dripping(b"1\r\n{\r\n" + b"1\r\n \r\n" * 12 + b"1\r\n}\r\n0\r\n\r\n")(connection),
        ),
        pouring(b"", rest=b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda connection: time.sleep(3 * TIMEOUT_S),
    ],
    ids=["head", "body", "chunks", "continue", "nothing"],
)
def test_an_answer_that_is_not_complete_in_time_is_a_time_out(speak: Speak) -> None:
    answer = ask(speak)
    assert (answer.status, answer.error) == (None, "timeout")


@pytest.mark.parametrize(
    "speak",
    [
        pouring(OK + b"\r\n", rest=b" " * 1000),
        pouring(OK + b"Transfer-Encoding: chunked\r\n\r\n", rest=b"3e8\r\n" + b" " * 1000 + b"\r\n"),
    ],
    ids=["until the end", "chunks"],
)
def test_an_answer_without_end_is_malformed(speak: Speak, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "LONGEST_BODY_BYTES", 50_000)
    answer = ask(speak)
    assert answer.status == 200
    assert answer.error is not None
    assert polled(answer).outcome is Outcome.UNKNOWN


def answering(body: bytes) -> Speak:
    return lambda connection: connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def message(**fields: Any) -> bytes:
    good = {"id": "1", "seq": 1, "from": "a", "to": "b", "message": "hi", "timestamp": "t"}
    return json.dumps({"messages": [good | fields], "next_since": "t"}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"messages": null, "next_since": null}',
        b'{"messages": {"a": 1}, "next_since": null}',
        b'{"messages": [], "next_since": 5}',
        b'{"messages": [], "next_since": "\\ud800"}',
        message(id={}),
        message(id=None),
        message(message=["hi"]),
        message(timestamp=5),
        message(client_message_id={"a": 1}),
        message(seq=[1]),
    ],
)
def test_a_page_of_nonsense_is_told_and_nothing_of_the_harness_breaks(body: bytes) -> None:
    result = polled(ask(answering(body)))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unreadable
    assert result.why


def test_what_is_answered_in_time_is_an_answer_also_over_the_same_connection() -> None:
    def twice(connection: socket.socket) -> None:
        answering(b'{"a": 1}')(connection)
        assert connection.recv(65_536)
        answering(b'{"a": 2}')(connection)

    with serving(twice) as url, contextlib.closing(Client(url, "alice", "", timeout_s=5)) as client:
        answers = [client.call("GET", "/") for _ in range(2)]
    assert [answer.body for answer in answers] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("token", [b"5", b'"a\\nb"', b'"\\u00e9"', b"null", b'"\\ud800"'])
def test_a_token_that_does_not_fit_into_a_header_is_none(token: bytes) -> None:
    with serving(answering(b'{"token": ' + token + b"}")) as url:
        client = Client(url, "alice", "", timeout_s=5)
        client.http.codec.reader.session(Answer(200, Body(token="abc"), None, 0, 1))
        answer = client.sign_in()
        client.close()
    assert (answer.status, client.token) == (200, None)
    assert (answer.outcome, answer.unreadable) == (Outcome.UNKNOWN, Unreadable.CONTRACT)
