"""A request body from the wire: complete and in time, or the request is refused and the connection closed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import gevent
from gunicorn.http.body import ChunkedReader, LengthReader  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]  # the same

from reference_server.errors import InvalidRequest, RequestTimeout

TIMEOUT_S = 15
"""For a complete body, as long as for a head."""
MAX_SKIPPED_BYTES = 1024 * 1024
"""Bytes of an unread body that are skipped to find the next request. Beyond that, closing is cheaper."""
MAX_CHUNKS = 10_000
"""Chunks of one body, or the pieces in which they arrive: each costs more work than its bytes."""
MAX_CHUNKED_BYTES = 2 * MAX_SKIPPED_BYTES
"""Bytes of a chunked body with its framing: one byte of body may carry kilobytes of chunk extensions."""


class Body(io.RawIOBase):
    """Wraps gunicorn's body: an endpoint reads it; after the answer gunicorn skips what is left.

    Reading raises InvalidRequest if the body does not match its head, and RequestTimeout if it is too slow.
    gunicorn itself raises its own errors for malformed chunks, and none for a body that is shorter than its
    Content-Length: half a form would be taken for a complete one.
    """

    def __init__(self, request: Any, timeout_s: float = TIMEOUT_S) -> None:
        """Wrap the body of gunicorn's request."""
        self._request, self._source = request, request.body
        reader = self._source.reader
        if isinstance(reader, ChunkedReader):
            _bound(reader, request.unreader)
        self._has_length = isinstance(reader, LengthReader)
        self._missing = reader.length if self._has_length else 0
        self._end_s = time.monotonic() + timeout_s
        self._skipped = 0
        self.is_answered = False
        self.failed = False
        """True if the start of the next request is unknown. gunicorn reads it and closes the connection."""
        if self._missing > MAX_SKIPPED_BYTES:
            self._give_up()

    def readable(self) -> bool:
        """Return True. Override RawIOBase's method."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer; return the number of bytes, 0 at the end. Override RawIOBase's method."""
        data = self._skip(len(buffer)) if self.is_answered else self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        if self._has_length and self._missing <= self._request.unreader.buf.tell():
            return self._next(size)  # it has come in with its head, and needs no timer
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
        """Read after the answer, when an error can only close the connection."""
        try:
            data = self._next(size)
        except ParseException as error:
            raise NoMoreData from error
        self._skipped += len(data)
        if self._skipped > MAX_SKIPPED_BYTES:
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


class _TooMuchFraming(ParseException):  # type: ignore[misc]  # gunicorn ships no types
    def __str__(self) -> str:
        return "they are too many, or most of it is not body"


class _Meter:
    """Wraps gunicorn's source of bytes, and counts those that were taken from it."""

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
    """Let the reader of a chunked body raise ParseException if most of it is framing."""
    meter = _Meter(unreader)
    reader.parser = _bounded(reader.parse_chunked(meter), meter)


def _bounded(pieces: Iterator[bytes], meter: _Meter) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        if number >= MAX_CHUNKS or meter.taken > MAX_CHUNKED_BYTES:
            raise _TooMuchFraming
        yield piece


def _too_slow() -> RequestTimeout:
    return RequestTimeout(f"The body must arrive within {TIMEOUT_S} seconds.")
