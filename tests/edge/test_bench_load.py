"""The load of the benchmark, on real sockets: what is counted, and what becomes of bad answers."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from benchmarks.clients import Address, Connection, drive, request
from benchmarks.machine import cpu_s
from benchmarks.waiters import waiters
from harness.errors import InfrastructureError

GET = request("GET", "/")


@contextmanager
def serving(answers: Callable[[str], tuple[int, bytes] | None]) -> Iterator[Address]:
    """Run a server that answers a path with a status and a body; with None it closes the connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = answers(self.path)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_every_request_is_answered_once_and_timed() -> None:
    asked: list[str] = []
    answer = (200, b"x" * 300_000)  # arrives in many pieces
    with serving(lambda path: asked.append(path) or answer) as address, ExitStack() as stack:  # type: ignore[func-returns-value]
        connections = [stack.enter_context(Connection(address)) for _ in range(3)]
        scripts = [iter([request("GET", f"/{name}{number}") for number in range(5)]) for name in "abc"]
        driven = drive(connections, scripts, 15)
    assert sorted(asked) == [f"/{name}{number}" for name in "abc" for number in range(5)]
    assert driven.requests == 15
    assert 0 < max(driven.latencies_s) <= driven.wall_s


def test_no_more_than_the_wanted_requests_are_sent() -> None:
    asked: list[str] = []
    with serving(lambda path: asked.append(path) or (200, b"{}")) as address, Connection(address) as one:  # type: ignore[func-returns-value]
        assert drive([one], [itertools.cycle([GET])], 7).requests == len(asked) == 7


def test_what_is_answered_503_is_sent_again_and_counted() -> None:
    statuses = iter([503, 200, 503, 503, 200])
    with serving(lambda path: (next(statuses), b"{}")) as address, Connection(address) as one:
        driven = drive([one], [iter([GET, GET])], 2)
    assert (driven.requests, driven.unavailable) == (2, 3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"not here"), "GET / was answered HTTP/1.1 404 Not Found not here."),
        (None, "closed the connection of GET /."),
    ],
    ids=["404", "closed"],
)
def test_any_other_answer_ends_the_load_in_one_sentence(answer: tuple[int, bytes] | None, said: str) -> None:
    with (
        serving(lambda path: answer) as address,
        Connection(address) as one,
        pytest.raises(InfrastructureError) as caught,
    ):
        drive([one], [iter([GET])], 1)
    assert said in caught.value.sentence


def test_a_delivery_is_timed_from_the_ack_and_the_poll_is_held_again() -> None:
    woken, again = threading.Event(), threading.Event()

    def answers(path: str) -> tuple[int, bytes]:
        if path == "/wake":
            woken.set()
            return 200, b'{"messages": []}'
        if path == "/again":
            again.set()
            return 200, b'{"messages": []}'
        woken.wait(10)
        return 200, json.dumps({"messages": [1]}).encode()

    with (
        serving(answers) as address,
        waiters(
            address, [request("GET", "/wait")], lambda number, answer: request("GET", "/again")
        ) as waiting,
    ):
        assert 0 <= waiting.delivery_s(0, request("POST", "/wake")) < 10
        assert again.wait(10)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A server that has not accepted any of the connections that wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        yield server


def waiting_connections(listening: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            count += 1
    return count


def test_a_connection_is_opened_by_its_first_request_as_servers_close_unused_ones(
    listening: socket.socket,
) -> None:
    """The sender of polls that only wait was closed after 15 s, and the figure was lost."""
    with waiters(listening.getsockname(), [GET, GET], lambda number, answer: GET):
        assert waiting_connections(listening) == 2


def test_a_client_without_a_script_opens_no_connection() -> None:
    with serving(lambda path: (200, b"{}")) as address, ExitStack() as stack:
        used, unused = (stack.enter_context(Connection(address)) for _ in range(2))
        assert drive([used, unused], [iter([GET]), iter(())], 5).requests == 1
        assert unused._socket is None


def test_a_connection_that_is_closed_before_its_first_request_is_called_so(listening: socket.socket) -> None:
    with Connection(listening.getsockname()) as one:
        assert one.socket
        assert waiting_connections(listening) == 1
        with pytest.raises(InfrastructureError, match="The server closed a connection without a request"):
            one.receive()


def test_the_cpu_time_of_another_process_is_what_it_used() -> None:
    burn = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_s([psutil.Process(process.pid)]) == pytest.approx(0.31, abs=0.02)
        other = psutil.Process(process.pid)
        process.communicate()
    assert cpu_s([other]) == 0.0
