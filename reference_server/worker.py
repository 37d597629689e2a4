"""gunicorn's worker, in the contract's words: what it refuses before the app sees it is a problem, too."""

from __future__ import annotations

import contextlib
import logging
import socket
import uuid
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]  # the same

from reference_server import logs
from reference_server.body import Body

if TYPE_CHECKING:
    from flask import Response

log = logging.getLogger(__name__)

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


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves whole bodies only, and answers what is not HTTP as everything else is answered."""

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> Any:
        """Answer a request whose head was read; named by gunicorn. Raises StopIteration to close."""
        for name, value in req.headers:
            if name == "TRANSFER-ENCODING" and value.lower() != "chunked":
                raise errors.UnsupportedTransferCoding(value)  # gunicorn would leave it to the app to decode
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
