"""Requests as bytes, read by gunicorn's parser and by our body as in a worker, and answered by the app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gunicorn.config import Config
from gunicorn.http import errors, wsgi
from gunicorn.http.parser import RequestParser

from reference_server.process.body import Body
from tests.unit.server.http_app import Http

_NOT_THE_SAME_TWICE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z|[0-9a-f]{32}")
"""Times and ids, in bodies and in headers."""


@dataclass(frozen=True)
class Answered:
    """An answer, with its times and ids left out, and what became of the connection."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    told_before: bytes
    """What was sent before the answer: `100 Continue`."""
    unread: bytes
    is_closed: bool


class _Connection:
    """A socket that only notes what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)


def answered(http: Http, pieces: Iterable[bytes]) -> Answered | None:
    """The app's answer to what comes in, in these pieces, before its end; None if gunicorn refuses it."""
    config, connection = Config(), _Connection()
    parser = RequestParser(config, _each(pieces), ("192.0.2.1", 1))
    try:
        request = next(parser)
    except (errors.ParseException, errors.NoMoreData, StopIteration):
        return None
    request.body = body = Body(request)
    response, environ = wsgi.create(request, connection, ("192.0.2.1", 1), ("192.0.2.2", 80), config)
    written = b"".join(http.client.application(environ, response.start_response))
    body.is_answered = True
    return Answered(
        response.status,
        [(name, _same(value.encode("latin-1")).decode("latin-1")) for name, value in response.headers],
        _same(written),
        connection.sent,
        b"" if body.failed else request.unreader.read(),
        request.should_close(),
    )


def _same(data: bytes) -> bytes:
    return _NOT_THE_SAME_TWICE.sub(b"...", data)


def _each(pieces: Iterable[bytes]) -> Iterator[Any]:
    """Like a socket, which never gives nothing before its end."""
    yield from filter(None, pieces)
