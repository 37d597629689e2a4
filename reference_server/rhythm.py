"""How often the relay asks the stores: often while polls rely on what it knows, seldom at rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

INTERVAL_S = 0.2
"""Between two steps: with the step itself 250 ms, as long as heads stay usable (known_heads.LEASE_S)."""
REST_AFTER_S = 3.0
"""After the last poll. A client that polls at the default interval of 2 s allows no rest."""
REST_INTERVAL_S = 5.0
"""Between two steps at rest: for outbox entries of workers that were killed."""
CATCH_UP_S = 0.3
"""The longest that a poll waits for the first step after a rest: a store that fails must not hold it up."""


class Rhythm:
    """The pauses between the relay's steps.

    A step finds out what other workers know: entries in the outbox, another Redis in use. A poll may rely on
    the queue only if the last step was a moment ago. So the first poll after a rest waits for a step.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._asked_s = self._stepped_s = monotonic()
        self._wake = threading.Event()
        self._is_current = threading.Event()
        self._is_current.set()

    def attend(self) -> None:
        """Note that a poll relies on what the relay knows. After a rest, wait until it has asked again."""
        self._asked_s = self._monotonic()
        if not self._is_current.is_set():
            self._wake.set()
            self._is_current.wait(CATCH_UP_S)

    def stepped(self) -> None:
        """Note that the relay has done a step."""
        self._stepped_s = self._monotonic()
        self._is_current.set()

    def pause(self, has_work: Callable[[], bool]) -> None:
        """Wait until the next step is due. `has_work` says whether a store or a queue needs the relay.

        At rest it still looks at its own memory every 250 ms: a failed request must not wait for a step.
        """
        self._wake.wait(INTERVAL_S)
        while not has_work() and self.may_rest():
            self._is_current.clear()
            self._wake.wait(INTERVAL_S)
        self._wake.clear()

    def may_rest(self) -> bool:
        """Return whether no poll relies on the relay, and its last step was not long ago."""
        now_s = self._monotonic()
        return now_s - self._asked_s > REST_AFTER_S and now_s - self._stepped_s < REST_INTERVAL_S
