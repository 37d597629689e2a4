"""A request's body from the wire: whole and in time, or the request is refused and its connection ends."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import gevent
from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]  # the same

from reference_server.errors import InvalidRequest, RequestTimeout

PATIENCE_S = 15
"""For a whole body, as long as for a head: a sender that vanished must not be waited for for ever."""
MOST_SKIPPED = 1024 * 1024
"""Bytes of a body that nobody wanted, read to find the next request. Beyond that, closing is cheaper."""

MOST_CHUNKS = 10_000
"""Of one body, or pieces in which they come: each costs more work than the bytes it consists of."""
MOST_WITH_FRAMES = 2 * MOST_SKIPPED
"""Bytes of a body in chunks, with all that is around them: a byte may bring kilobytes of extensions along."""


class Body(io.RawIOBase):
    """Stands for gunicorn's body: an endpoint reads it; after the answer gunicorn skips what is left.

    Reading raises InvalidRequest where the body is not what its head says, RequestTimeout where it comes too
    slowly. gunicorn alone raises errors of its own at chunks that it cannot read, and nothing at a body that
    ends before its Content-Length: half a form would be taken for a whole one.
    """

    def __init__(self, request: Any, patience_s: float = PATIENCE_S) -> None:
        """Take over the body of gunicorn's request."""
        self._request, self._source = request, request.body
        if isinstance(self._source.reader, ChunkedReader):
            _bound(self._source.reader, request.unreader)
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


class _MostlyFrame(ParseException):  # type: ignore[misc]  # gunicorn ships no types
    def __str__(self) -> str:
        return "they are too many, or most of it is not body"


class _Meter:
    """Stands for gunicorn's source of bytes, and counts those that were taken from it."""

    def __init__(self, unreader: Any) -> None:
        self._unreader = unreader
        self.taken = 0

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        data: bytes = self._unreader.read(size, read_ahead)
        self.taken += len(data)
        return data

    def unread(self, data: bytes) -> None:
        self.taken -= len(data)
        self._unreader.unread(data)


def _bound(reader: Any, unreader: Any) -> None:
    """Let a body in chunks be mostly body. Its reader then raises ParseException for any other."""
    meter = _Meter(unreader)
    reader.parser = _bounded(reader.parse_chunked(meter), meter)


def _bounded(pieces: Iterator[bytes], meter: _Meter) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        if number >= MOST_CHUNKS or meter.taken > MOST_WITH_FRAMES:
            raise _MostlyFrame
        yield piece


def _too_slow() -> RequestTimeout:
    return RequestTimeout(f"The body must arrive within {PATIENCE_S} seconds.")
