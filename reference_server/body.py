"""A request's body from the wire: whole and in time, or the request is refused and its connection ends."""

from __future__ import annotations

import io
import time
from typing import Any

import gevent
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]  # it ships no types

from reference_server.errors import InvalidRequest, RequestTimeout

PATIENCE_S = 15
"""For a whole body, as long as for a head: a sender that vanished must not be waited for for ever."""
MOST_SKIPPED = 1024 * 1024
"""Bytes of a body that nobody wanted, read to find the next request. Beyond that, closing is cheaper."""


class Body(io.RawIOBase):
    """Stands for gunicorn's body: an endpoint reads it; after the answer gunicorn skips what is left.

    Reading raises InvalidRequest where the body is not what its head says, RequestTimeout where it comes too
    slowly. gunicorn alone raises errors of its own at chunks that it cannot read, and nothing at a body that
    ends before its Content-Length: half a form would be taken for a whole one.
    """

    def __init__(self, request: Any, patience_s: float = PATIENCE_S) -> None:
        """Take over the body of gunicorn's request."""
        self._request, self._source = request, request.body
        self._missing = int(dict(request.headers).get("CONTENT-LENGTH", 0))
        self._end_s = time.monotonic() + patience_s
        self._skipped = 0
        self.is_answered = False
        self.failed = False
        """Where the next request begins cannot be known; named by gunicorn, which then reads none."""
        if self._missing > MOST_SKIPPED:
            self._give_up()

    def readable(self) -> bool:
        """Say so; named by the standard library."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to the buffer's length, 0 bytes at the end; named by the standard library."""
        data = self._skip(len(buffer)) if self.is_answered else self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            with gevent.Timeout(max(0.0, self._end_s - time.monotonic()), _too_slow()):
                return self._next(size)
        except RequestTimeout:
            self._give_up()
            raise
        except ParseException as error:
            self._give_up()
            raise InvalidRequest(f"The body's chunks are malformed: {error}.") from error
        except OSError as error:
            self._give_up()
            raise InvalidRequest("The body ended before it was complete.") from error

    def _skip(self, size: int) -> bytes:
        """The request is answered, and must not be answered again: just end the connection."""
        try:
            data = self._next(size)
        except ParseException as error:
            raise NoMoreData from error
        self._skipped += len(data)
        if self._skipped > MOST_SKIPPED:
            raise NoMoreData
        return data

    def _next(self, size: int) -> bytes:
        data: bytes = self._source.read(size)
        self._missing -= len(data)
        if not data and self._missing > 0:
            raise NoMoreData
        return data

    def _give_up(self) -> None:
        self.failed = True
        self._request.force_close()


def _too_slow() -> RequestTimeout:
    return RequestTimeout(f"The body must arrive within {PATIENCE_S} seconds.")
