"""A circuit breaker: after a few failures in a row a store is not asked any more, so nobody waits for it.

Why not a library: they all close by letting a user's request through as the trial. Here nobody's request is a
trial. Only the relay's background probe closes the breaker, with a *write*: a read-only or full Redis
answers reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class CircuitBreaker:
    """Closed until `failures_to_open` failures in a row; then open until somebody closes it.

    It needs no lock: every method is one step that no other greenlet interrupts, and a count that is off by
    one between threads opens it one request sooner or later. `moved` is told True when it opens, False when
    it closes.
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
        """True while the store is not asked at all."""
        return self._reason is not None

    @property
    def reason(self) -> Exception | None:
        """Why it is open: the last failure. None while it is closed."""
        return self._reason

    def succeeded(self) -> None:
        """Note that the store answered. An open breaker stays open: the answer may have been a late read."""
        self._failures = 0

    def failed(self, reason: Exception) -> None:
        """Note that the store refused, timed out or hung up."""
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self.open(reason)

    def open(self, reason: Exception) -> None:
        """Open at once: the store itself said that it cannot do its work. An open one notes the reason."""
        before, self._reason = self._reason, reason
        if before is None:
            self._moved(True)
            log.error("%s: circuit breaker opened: %s", self._store, reason)
        elif str(before) != str(reason):
            log.error("%s: circuit breaker stays open: %s", self._store, reason)

    def close(self) -> None:
        """Let requests through again. For the relay alone, after a probe that worked."""
        if self._reason is not None:
            self._reason = None
            self._failures = 0
            self._moved(False)
            log.warning("%s: circuit breaker closed", self._store)
