"""gunicorn's worker. What it refuses before the app sees it is answered with a problem document, too."""

from __future__ import annotations

import contextlib
import functools
import logging
import mmap
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gevent
import gevent.local
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import wait_read
from gunicorn import util  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]  # the same

from reference_server import logs
from reference_server.process.body import Body
from reference_server.process.master import IGNORED_SIGNALS
from reference_server.process.one_write import OneWrite

if TYPE_CHECKING:
    from flask import Response

log = logging.getLogger(__name__)

GRACE_S = 3
"""How long requests may take to finish when a worker stops. Waiting polls are woken, so few need it."""
STOP_S = GRACE_S + 2
"""After this time the master kills a worker that it has asked to stop."""
NOTIFY_S = 0.5
"""How often a worker shows the master that it does not hang, and looks whether the master is alive."""
_STOP_POLL_S = 0.1
HEAD_TIMEOUT_S = 15.0

_REFUSALS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.LimitRequestLine, 414, "URI Too Long"),
    (errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (errors.ExpectationFailed, 417, "Expectation Failed"),
    (errors.UnsupportedTransferCoding, 501, "Not Implemented"),
    (errors.ParseException, 400, "Bad Request"),
)
"""Errors with their status and title; the first that fits counts."""
_MAX_QUOTE = 200
_LINGER_S = 2
_MAX_LINGER_BYTES = 1024 * 1024


class _Connection(gevent.local.local):
    """The connection that this greenlet serves. Its first request must arrive without delay."""

    client: Any = None
    unread: Any = None

    def is_idle(self) -> bool:
        """Return whether it has served a request and no byte of the next one was read."""
        return self.unread is not None and not self.unread.buf.tell()


class _AcceptedAt:
    """What a connection asks of its listener, which is closed if the worker was stopped meanwhile."""

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        """Return the address at which it listened."""
        return self._name


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Passes on complete bodies only, and answers malformed requests with a problem document."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._flag = mmap.mmap(-1, 1)  # shared by the master, which creates it, and its child
        self._connection = _Connection()
        self._stopping = Event()

    @property
    def serves(self) -> bool:
        """True once the worker accepts connections; read by the master."""
        return self._flag[0] == 1

    def init_signals(self) -> None:
        """Handle what the master sends: SIGTERM to stop, SIGABRT to a worker that hangs.

        The other signals are for the master alone, even if a terminal or a service manager sends them to the
        whole process group. Override gunicorn's method.
        """
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, *IGNORED_SIGNALS):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def init_process(self) -> None:
        """Serve until the worker is stopped, and end at once. Override gunicorn's method.

        To tear down every module, Python would take 0.2 s of a processor from the worker's successor.
        """
        _remember_what_each_request_asks(self.cfg)
        super().init_process()
        logging.shutdown()
        os._exit(0)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop at once, not only when `run` looks next. Override gunicorn's method."""
        super().handle_exit(sig, frame)
        self._stopping.set()

    def run(self) -> None:
        """Serve until the master stops this worker, then finish the accepted requests.

        The next request on an idle connection is still answered, with `Connection: close`: so hardly any
        connection is closed just when its client sends a request. Override gunicorn's method.
        """
        servers = [self._listening(listener) for listener in self.sockets]
        self._flag[0] = 1
        while self.alive:
            self.notify()
            self._stopping.wait(NOTIFY_S)
        for server in servers:
            server.close()
        self.app.wake_polls()
        with contextlib.suppress(gevent.Timeout), gevent.Timeout(GRACE_S):
            for server in servers:
                server.pool.join()  # type: ignore[union-attr]  # it was given one
        for server in servers:
            server.stop(timeout=_STOP_POLL_S)

    def _listening(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        pool = Pool(self.worker_connections)
        handle = functools.partial(self.handle, _AcceptedAt(listener))
        server = StreamServer(listener, handle, spawn=pool)
        server.max_accept = 1  # at a time, so that all workers get some
        server.start()
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Answer the requests of a connection. Override gunicorn's method."""
        self._connection.client = client
        super().handle(listener, client, addr)

    @contextlib.contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Wait for a request to begin, then for its head. Raise NoMoreData.

        gunicorn has one limit for both: a head could take as long as a connection may be idle. Override
        gunicorn's method.
        """
        if self._connection.is_idle():
            wait_read(self._connection.client.fileno(), self.cfg.keepalive, errors.NoMoreData())
        with gevent.Timeout(HEAD_TIMEOUT_S, errors.NoMoreData()):
            yield

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> Any:
        """Answer a request whose head was read. Raise StopIteration to close. Override gunicorn's method."""
        for name, value in req.headers:
            if name == "TRANSFER-ENCODING" and value.lower() != "chunked":
                raise errors.UnsupportedTransferCoding(value)  # gunicorn would leave decoding to the app
        self._connection.unread = req.unreader
        req.body = body = Body(req)
        connection = OneWrite(sock)
        try:
            keep_alive = super().handle_request(listener_name, req, connection, addr)
            connection.flush()
            return keep_alive
        except StopIteration:
            connection.flush()
            if body.failed:
                _linger(sock)
            raise
        finally:
            body.is_answered = True

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a malformed request, then close the connection. Override gunicorn's method."""
        if not isinstance(exc, Exception):
            return  # the worker is ending: there is no request to answer
        token = logs.request_id.set(secrets.token_hex(16))
        try:
            client.sendall(_raw(_refusal(addr[0], exc)))
            _linger(client)
        except OSError as error:
            log.debug("%s closed the connection before its answer: %s", addr[0], error)
        finally:
            logs.request_id.reset(token)


def _remember_what_each_request_asks(config: Any) -> None:
    """Look up gunicorn's settings and the text of a second once: it does so many times for each request."""
    vars(config).update({name: setting.get() for name, setting in config.settings.items()})
    in_second = functools.lru_cache(maxsize=2)(util.http_date)
    util.http_date = lambda: in_second(int(time.time()))


def _refusal(address: str, error: Exception) -> Response:
    from reference_server.blueprints import answers  # not earlier: see __main__

    for kind, status, title in _REFUSALS:
        if isinstance(error, kind):
            log.info("Refused a malformed request from %s: %s", address, error)
            detail = f"This is not a legal request: {str(error)[:_MAX_QUOTE]}."
            code = title.lower().replace(" ", "_")
            return answers.problem(status, title, code, detail)
    return answers.from_bug(error)


def _raw(response: Response) -> bytes:
    from reference_server.blueprints import answers  # not earlier: see __main__

    body = response.get_data()
    headers = [*response.headers, ("Content-Length", str(len(body))), ("Connection", "close")]
    answers.complete(headers)
    head = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def _linger(client: socket.socket) -> None:
    """Read on for a moment: closing with unread bytes would send a reset, which may overtake the answer."""
    try:
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(gevent.Timeout), gevent.Timeout(_LINGER_S):
            left = _MAX_LINGER_BYTES
            while left > 0 and (data := client.recv(65_536)):
                left -= len(data)
    except OSError as error:
        log.debug("The client closed the connection first: %s", error)
