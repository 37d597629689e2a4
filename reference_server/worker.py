"""gunicorn's worker, in the contract's words: what it refuses before the app sees it is a problem, too."""

from __future__ import annotations

import contextlib
import functools
import logging
import mmap
import signal
import socket
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gevent
import gevent.local
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import wait_read
from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]  # the same

from reference_server import logs
from reference_server.body import Body
from reference_server.master import IGNORED

if TYPE_CHECKING:
    from flask import Response

log = logging.getLogger(__name__)

GRACE_S = 3
"""How long requests may take to finish when a worker ends. Waiting polls are woken, so few need it."""
STOP_S = GRACE_S + 2
"""When the master kills a worker that was told to end, and takes less if it can."""
LOOK_S = 0.1
HEAD_PATIENCE_S = 15.0

_REFUSALS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.LimitRequestLine, 414, "URI Too Long"),
    (errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (errors.ExpectationFailed, 417, "Expectation Failed"),
    (errors.UnsupportedTransferCoding, 501, "Not Implemented"),
    (errors.ParseException, 400, "Bad Request"),
)
"""The first that fits, with its status and title."""
_LONGEST_QUOTE = 200
_LINGER_S = 2
_MOST_LINGERED = 1024 * 1024


class _Connection(gevent.local.local):
    """What this greenlet serves. The first request has to come without delay."""

    client: Any = None
    unread: Any = None

    def is_idle(self) -> bool:
        """Whether it was used, and nothing of a next request has been read."""
        return self.unread is not None and not self.unread.buf.tell()


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves whole bodies only, and answers what is not HTTP as everything else is answered."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._flag = mmap.mmap(-1, 1)  # shared by the master, which makes it, and its child
        self._connection = _Connection()

    @property
    def serves(self) -> bool:
        """Whether it has started; for the master."""
        return self._flag[0] == 1

    def init_signals(self) -> None:
        """Obey the master, who sends SIGTERM to end a worker, SIGABRT to one that hangs; named by gunicorn.

        The rest is for the master alone, also if a terminal or a service manager sends it to the whole group.
        """
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, *IGNORED):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def run(self) -> None:
        """Serve until told to end, then finish what was accepted; named by gunicorn.

        A connection that is idle is served once more, and told that it ends: so hardly any is closed at the
        moment when its client sends a request.
        """
        servers = [self._listening(listener) for listener in self.sockets]
        self._flag[0] = 1
        while self.alive:
            self.notify()
            gevent.sleep(LOOK_S)
        for server in servers:
            server.close()
        self.app.wake_polls()
        with contextlib.suppress(gevent.Timeout), gevent.Timeout(GRACE_S):
            for server in servers:
                server.pool.join()  # type: ignore[union-attr]  # it was given one
        for server in servers:
            server.stop(timeout=LOOK_S)

    def _listening(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        pool = Pool(self.worker_connections)
        server = StreamServer(listener, functools.partial(self.handle, listener), spawn=pool)
        server.max_accept = 1  # at a time, so that all workers get some
        server.start()
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Answer the requests of a connection; named by gunicorn."""
        self._connection.client = client
        super().handle(listener, client, addr)

    @contextlib.contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Wait for a request to begin, then for its head; named by gunicorn. Raises NoMoreData.

        gunicorn has one limit for both: a head might take as long as a connection may be idle.
        """
        if self._connection.is_idle():
            wait_read(self._connection.client.fileno(), self.cfg.keepalive, errors.NoMoreData())
        with gevent.Timeout(HEAD_PATIENCE_S, errors.NoMoreData()):
            yield

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> Any:
        """Answer a request whose head was read; named by gunicorn. Raises StopIteration to close."""
        for name, value in req.headers:
            if name == "TRANSFER-ENCODING" and value.lower() != "chunked":
                raise errors.UnsupportedTransferCoding(value)  # gunicorn would leave it to the app to decode
        self._connection.unread = req.unreader
        req.body = body = Body(req)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            if body.failed:
                _linger(sock)
            raise
        finally:
            body.is_answered = True

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read as a request, before the connection is closed; named by gunicorn."""
        if not isinstance(exc, Exception):
            return  # the worker ends, and nobody waits here for an answer
        token = logs.request_id.set(uuid.uuid4().hex)
        try:
            client.sendall(_raw(_refusal(addr[0], exc)))
            _linger(client)
        except OSError as error:
            log.debug("%s did not wait for its answer: %s", addr[0], error)
        finally:
            logs.request_id.reset(token)


def _refusal(address: str, error: Exception) -> Response:
    from reference_server.blueprints import answers  # in the worker: see __main__

    for kind, status, title in _REFUSALS:
        if isinstance(error, kind):
            log.info("Refused what %s sent: %s", address, error)
            detail = f"This is not a legal request: {str(error)[:_LONGEST_QUOTE]}."
            code = title.lower().replace(" ", "_")
            return answers.complete(answers.problem(status, title, code, detail))
    return answers.complete(answers.from_bug(error))


def _raw(response: Response) -> bytes:
    body = response.get_data()
    response.headers["Content-Length"] = str(len(body))
    response.headers["Connection"] = "close"
    head = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers), "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def _linger(client: socket.socket) -> None:
    """Read on for a moment: if something is unread when it closes, a reset may overtake the answer."""
    try:
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(gevent.Timeout), gevent.Timeout(_LINGER_S):
            left = _MOST_LINGERED
            while left > 0 and (data := client.recv(65_536)):
                left -= len(data)
    except OSError as error:
        log.debug("A connection ended before it was closed: %s", error)
