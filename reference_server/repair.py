"""The repairer: brings back a store that was down, and queues that missed messages. One a worker process."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping

from reference_server.catch_up import CatchUp
from reference_server.debts import Debts
from reference_server.errors import Failure
from reference_server.interfaces import Ledger, MessageQueue, MessageStore

log = logging.getLogger(__name__)

INTERVAL_S = 0.25
"""Between two steps. Deliveries must be on time 2 s after a fault heals, so this is well below."""
PAYMENTS_PER_STEP = 50
"""Debts are looked at again after so many: others may have been added."""
WARM_UP_S = 1.0
LOOK_BACK = 1000
"""Messages that a new process looks back, for one whose process was killed before it pushed."""


class Repairer:
    """Probes stores whose breaker is open, and pays debts. Any worker can pay any: pushes are idempotent."""

    def __init__(
        self, queue: MessageQueue, store: MessageStore, ledger: Ledger, catch_up: CatchUp, debts: Debts
    ) -> None:
        self._queue = queue
        self._store = store
        self._ledger = ledger
        self._catch_up = catch_up
        self._debts = debts
        self._is_new = True

    def step(self) -> bool:
        """Do one round; say whether there is more to do at once. Raises nothing that a store can cause.

        The queue's breaker closes only once the debts and the epoch are known: until then nobody can say
        which of its lists are complete.
        """
        if self._store.breaker.is_open and self._store.probe():
            self._store.breaker.close()
        # Always, not only while the breaker is open: reads alone would never notice a read-only Redis.
        if not self._queue.probe():
            return False
        try:
            if self._is_new:
                self._start_up()
            owed = self._debts.refresh(self._ledger.owed)
            self._queue.refresh()
            self._queue.breaker.close()
            return self._pay(owed)
        except Failure as failure:
            log.debug("Repairer goes on later: %s", failure)
            return False

    def _start_up(self) -> None:
        self._store.prepare()
        for recipient in self._store.recent_recipients(LOOK_BACK):
            self._debts.suspect(recipient, late_s=0.0)
        self._is_new = False

    def _pay(self, owed: Mapping[str, int]) -> bool:
        """Pay some debts: chosen at random, so that several workers seldom pay the same at the same time."""
        for recipient in random.sample(sorted(owed), min(len(owed), PAYMENTS_PER_STEP)):
            reached = self._catch_up.push_newest(recipient)
            self._ledger.settle(recipient, reached)
            log.info("Queue of '%s' caught up to message %d", recipient, reached)
        for recipient in self._debts.pending()[:PAYMENTS_PER_STEP]:
            self._catch_up.push_newest(recipient)
            self._debts.clear(recipient)
        return len(owed) > PAYMENTS_PER_STEP

    def start(self) -> threading.Thread:
        """Step until the stores are known, for a second at most; then step in the background.

        So the first requests find connections made and the debts read, unless a store is down.
        """
        give_up_s = time.monotonic() + WARM_UP_S
        self._step_safely()
        while self._is_new and time.monotonic() < give_up_s:
            time.sleep(0.05)
            self._step_safely()
        thread = threading.Thread(target=self._run, name="repairer", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            if not self._step_safely():
                pause.wait(INTERVAL_S)

    def _step_safely(self) -> bool:
        try:
            return self.step()
        except Exception:  # a bug here must not end the repairs
            log.exception("Repairer step failed")
            return False
