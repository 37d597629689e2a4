"""A circuit breaker: after a few failures in a row no request is sent to a store, so no user waits for it.

Libraries close a breaker by letting one user's request through as a trial. Here only the relay's background
probe closes it, and the probe includes a *write*, because a read-only or full Redis still answers reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class CircuitBreaker:
    """Opens after `failures_to_open` failures in a row, and stays open until `close` is called.

    It needs no lock: no other greenlet can interrupt a method, and between threads a count that is off by one
    only opens it one request sooner or later. `moved` is called with True when it opens, with False when it
    closes.
    """

    def __init__(
        self, store: str, failures_to_open: int, moved: Callable[[bool], None] = lambda is_open: None
    ) -> None:
        self._store = store
        self._failures_to_open = failures_to_open
        self._moved = moved
        self._failures = 0
        self._reason: Exception | None = None

    @property
    def is_open(self) -> bool:
        """True while no request is sent to the store."""
        return self._reason is not None

    @property
    def reason(self) -> Exception | None:
        """The failure that keeps it open, or None while it is closed."""
        return self._reason

    def succeeded(self) -> None:
        """Note that the store answered. An open breaker stays open: the answer may be to an older read."""
        self._failures = 0

    def failed(self, reason: Exception) -> None:
        """Note that the store refused, timed out or closed the connection."""
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self.open(reason)

    def open(self, reason: Exception) -> None:
        """Open at once: the store reported that it cannot work. An open breaker takes the new reason."""
        before, self._reason = self._reason, reason
        if before is None:
            self._moved(True)
            log.error("%s: circuit breaker opened: %s", self._store, reason)
        elif str(before) != str(reason):
            log.error("%s: circuit breaker stays open: %s", self._store, reason)

    def close(self) -> None:
        """Let requests through again. Only the relay calls this, after a probe that worked."""
        if self._reason is not None:
            self._reason = None
            self._failures = 0
            self._moved(False)
            log.warning("%s: circuit breaker closed", self._store)
