"""Failures that repeat are logged at a bounded rate: each text once a minute, and how often it came.

A store that is away, or a user without a permission, fails every request in the same way.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PERIOD_S = 60.0
TEXTS = 10
"""Different texts of one kind of line that are logged in a period. A mailbox's name may be in them."""
KINDS = 100
"""Kinds of lines that are told apart. More come only from a library that writes texts of its own making."""


@dataclass
class _Kind:
    """The lines that one place in the code has logged since `begun_s`."""

    begun_s: float
    texts: set[str] = field(default_factory=set)
    withheld: int = 0
    last: logging.LogRecord | None = None


class Repeats:
    """Which lines to log. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def is_news(self, record: logging.LogRecord) -> bool:
        """Say whether to log a line now. One that is below a warning always is."""
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

    def over(self) -> Iterator[logging.LogRecord]:
        """Give a line for each period that is over and in which lines were withheld."""
        now_s = self._monotonic()
        for key, kind in list(self._kinds.items()):
            if now_s - kind.begun_s >= PERIOD_S:
                del self._kinds[key]
                if kind.last is not None:
                    yield _summary(kind.last, kind.withheld)


def _text(record: logging.LogRecord) -> str:
    """Return what tells two lines of one kind apart, also where their traces alone do."""
    error = record.exc_info[1] if record.exc_info else None
    return record.getMessage() + (f" {error!r}" if error else "")


def _summary(last: logging.LogRecord, withheld: int) -> logging.LogRecord:
    summary = copy.copy(last)
    summary.msg = f"{last.getMessage()} (one of {withheld} such lines that were not logged)"
    summary.args, summary.exc_info, summary.exc_text = (), None, None
    return summary
