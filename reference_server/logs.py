"""Log lines on stderr: one an event, with the request's id; nothing that a user typed can start a new one."""

from __future__ import annotations

import logging
import re
import time
from contextvars import ContextVar

NO_REQUEST = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
"""The id of the request that this greenlet is answering."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Write control characters, line separators and text-direction marks as escapes: a newline as \x0a."""
    return _UNPRINTABLE.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class LineFormatter(logging.Formatter):
    """`2026-01-01T12:00:00Z INFO [request id] the line`, traces indented below it."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(request_id)s] %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Make the line; named by the standard library."""
        record.request_id = request_id.get()
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        """Make the trace; named by the standard library."""
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]  # its type is private
        return "\n".join("    | " + printable(line) for line in lines)


def configure(level: str) -> None:
    """Send every log line of this process to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("pymongo").setLevel("WARNING")  # its DEBUG lines carry whole documents
