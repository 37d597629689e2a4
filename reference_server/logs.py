"""Log lines on stderr: one line per event, with the request id. No user input can start a new line."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import TextIO

from reference_server.log_rate import LogThrottle

NO_REQUEST = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
"""The id of the request that the current greenlet is answering."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return the text with control characters, line separators and text-direction marks escaped, as \x0a."""
    return _UNPRINTABLE.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class _Formatter(logging.Formatter):
    """Times in UTC, like `2026-01-01T12:00:00Z`."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the time of a line. Override the standard library's method."""
        return _second(int(record.created))


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Return a whole second since 1970 as text. Most lines share theirs with the one before."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class LineFormatter(_Formatter):
    """Writes `2026-01-01T12:00:00Z INFO [request id] the line`, with tracebacks indented below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(request_id)s] %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line. Override the standard library's method."""
        record.request_id = request_id.get()
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        """Return the traceback. Override the standard library's method."""
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]  # its type is private
        return "\n".join("    | " + printable(line) for line in lines)


class JsonFormatter(_Formatter):
    """Writes one JSON object per line. Its strings decode to the original text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Override the standard library's method."""
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        line = json.dumps(fields, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


class BoundedHandler(logging.StreamHandler[TextIO]):
    """Writes the lines that `throttle` admits to stderr, and later how many it did not admit."""

    def __init__(self, throttle: LogThrottle) -> None:
        super().__init__()
        self._throttle = throttle

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line. Override the standard library's method, which holds the handler's lock meanwhile."""
        token = request_id.set(NO_REQUEST)
        try:
            for summary in self._throttle.summaries():
                super().emit(summary)
        finally:
            request_id.reset(token)
        if self._throttle.admits(record):
            super().emit(record)


_FORMATTERS = {"text": LineFormatter, "json": JsonFormatter}


def configure(level: str, line_format: str) -> None:
    """Send every log line of this process to stderr, in UTF-8. The format is `text` or `json`."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        # In a POSIX locale, ASCII would turn an emoji into an escape that is not legal JSON.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    _leave_out_what_no_line_shows()
    handler = BoundedHandler(LogThrottle())
    handler.setFormatter(_FORMATTERS[line_format]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    logging.getLogger("pymongo").setLevel("WARNING")  # its DEBUG lines carry whole documents


def _leave_out_what_no_line_shows() -> None:
    """Look up no callers, threads and processes: see Optimization in Python's "Logging HOWTO"."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
