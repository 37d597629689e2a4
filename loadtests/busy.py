"""When the machine of a load generator was too busy to measure a server: see docs/verdicts.md."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from harness.checkers.pressure import AFTERMATH_NS

KEPT = 4096
"""Periods of a quarter of a second: far more than the time for which an answer can be awaited."""


class Busy:
    """The last periods of resource pressure of this process's machine."""

    def __init__(self, tell: Callable[..., Any] = lambda kind, **fields: None) -> None:
        self._periods: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._tell = tell

    def record(self, kind: str, *, since: int, **fields: Any) -> None:
        """Take one period that has just ended, as a `MachineWatch` reports it."""
        until_ns = time.monotonic_ns()
        self._periods.append((since, until_ns + AFTERMATH_NS))
        self._tell(kind, since=since, t=until_ns, **fields)

    def excuses(self, start_ns: int, end_ns: int) -> bool:
        """Return whether the machine was too busy at some time from `start_ns` to `end_ns`."""
        for since_ns, until_ns in reversed(self._periods):
            if until_ns < start_ns:
                return False
            if since_ns <= end_ns:
                return True
        return False
