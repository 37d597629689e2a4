"""A rate limit for repeated warnings and errors: each text is logged once a minute, then counted.

While a store is down, every request fails in the same way.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PERIOD_S = 60.0
TEXTS = 10
"""Different texts with one format string that are logged in a period: they may contain mailbox names."""
KINDS = 100
"""Format strings that are counted separately. Only a library that logs ready-made texts has more."""


@dataclass
class _Kind:
    """The lines with one format string since `begun_s`."""

    begun_s: float
    texts: set[str] = field(default_factory=set)
    withheld: int = 0
    last: logging.LogRecord | None = None


class LogThrottle:
    """Decides which lines to log. `monotonic` returns seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def admits(self, record: logging.LogRecord) -> bool:
        """Return whether to log a line now. Lines below WARNING are always logged."""
        if record.levelno < logging.WARNING:
            return True
        key = (record.name, str(record.msg))
        if key not in self._kinds and len(self._kinds) >= KINDS:
            key = (record.name, "")
        kind = self._kinds.setdefault(key, _Kind(self._monotonic()))
        text = _text(record)
        if text not in kind.texts and len(kind.texts) < TEXTS:
            kind.texts.add(text)
            return True
        kind.withheld, kind.last = kind.withheld + 1, record
        return False

    def summaries(self) -> Iterator[logging.LogRecord]:
        """Yield a line for each period that has ended with lines that were not logged."""
        now_s = self._monotonic()
        for key, kind in list(self._kinds.items()):
            if now_s - kind.begun_s >= PERIOD_S:
                del self._kinds[key]
                if kind.last is not None:
                    yield _summary(kind.last, kind.withheld)


def _text(record: logging.LogRecord) -> str:
    """Return the text of a line with its exception, so that lines that differ in it alone count as two."""
    error = record.exc_info[1] if record.exc_info else None
    return record.getMessage() + (f" {error!r}" if error else "")


def _summary(last: logging.LogRecord, withheld: int) -> logging.LogRecord:
    summary = copy.copy(last)
    summary.msg = f"{last.getMessage()} (one of {withheld} such lines that were not logged)"
    summary.args, summary.exc_info, summary.exc_text = (), None, None
    return summary
