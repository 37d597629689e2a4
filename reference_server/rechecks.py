"""One timer for all polls that wait in this process: it wakes those that must look again.

A notice wakes a poll that waits, but notices can be lost. So each poll looks again now and then, unless its
mailbox certainly has nothing new. A timer for each of a thousand polls would cost more than all else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reference_server.interfaces import Notifier
from reference_server.known_heads import START_US, KnownHeads
from reference_server.rhythm import Rhythm
from reference_server.stale_queues import StaleQueues

log = logging.getLogger(__name__)

RECHECK_S = 1.0
"""A waiting poll looks again after this time, even without a notification."""
DEGRADED_RECHECK_S = 0.25
"""The same while Redis, and with it the notifier, cannot be used."""
EARLY_S = 0.3
"""So long before it is due, a poll may be spared its look: a lease of the heads can lapse for a moment."""
STEP_S = 0.1
"""Between two looks at which polls are due. Those of one step look at the same moment."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A poll that waits, and when it is due."""

    mailbox: str
    since_us: int | None
    due_s: float


class Rechecks:
    """The polls of one process that wait. `monotonic` returns seconds."""

    def __init__(
        self,
        stale_queues: StaleQueues,
        known_heads: KnownHeads,
        notifier: Notifier,
        rhythm: Rhythm,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stale_queues = stale_queues
        self._known_heads = known_heads
        self._notifier = notifier
        self._rhythm = rhythm
        self._monotonic = monotonic
        self._waiting: set[_Waiting] = set()

    @contextmanager
    def expect(self, mailbox: str, since_us: int | None, *, degraded: bool) -> Iterator[None]:
        """Wake the polls of this mailbox in time for the next look, as long as the context lasts."""
        after_s = DEGRADED_RECHECK_S if degraded else RECHECK_S
        waiting = _Waiting(mailbox, since_us, self._monotonic() + after_s)
        self._waiting.add(waiting)
        try:
            yield
        finally:
            self._waiting.discard(waiting)

    def step(self) -> None:
        """Wake the polls that are due and may have something new."""
        if self._waiting:
            self._rhythm.attend()
        now_s = self._monotonic()
        for waiting in tuple(self._waiting):
            if waiting.due_s - EARLY_S > now_s:
                continue
            if self._has_nothing_new(waiting):
                waiting.due_s = now_s + RECHECK_S
            elif waiting.due_s <= now_s:
                self._notifier.notify(waiting.mailbox)

    def _has_nothing_new(self, waiting: _Waiting) -> bool:
        since_us = START_US if waiting.since_us is None else waiting.since_us
        return waiting.mailbox not in self._stale_queues and self._known_heads.cover(
            waiting.mailbox, since_us, self._monotonic()
        )

    def start(self) -> None:
        """Step in the background; under gevent the thread is a greenlet."""
        threading.Thread(target=self._run, name="rechecks", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(STEP_S)
            try:
                self.step()
            except Exception:  # a bug in one step must not end the others
                log.exception("Looking for waiting polls that are due failed")
