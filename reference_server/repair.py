"""The repairer: brings back a store that was down, and queues that missed messages. One a worker process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from reference_server.catch_up import CatchUp
from reference_server.debts import Debts
from reference_server.errors import Failure
from reference_server.interfaces import MessageQueue, MessageStore

log = logging.getLogger(__name__)

INTERVAL_S = 0.25
"""How often a step is taken. Deliveries must be on time 2 s after a fault heals, so this has to be well below."""


class Repairer:
    """Probes stores whose breaker is open, and pays the debts. Any worker can pay any debt: pushes are idempotent."""

    def __init__(self, queue: MessageQueue, store: MessageStore, catch_up: CatchUp, debts: Debts) -> None:
        self._queue = queue
        self._store = store
        self._catch_up = catch_up
        self._debts = debts
        self._prepared = False

    def step(self) -> None:
        """Do one round. Raises nothing that a store can cause."""
        if self._store.breaker.is_open and self._store.probe():
            self._store.breaker.close()
        queue_is_back = self._queue.breaker.is_open and self._queue.probe()
        try:
            self._prepare_once()
            owed = self._store.owed()
        except Failure as failure:
            # Without the debts nobody can say which lists are complete: an open queue breaker stays open.
            log.debug("Repairer cannot read what is owed: %s", failure)
            return
        self._debts.replace(owed)
        if queue_is_back:
            self._queue.breaker.close()
        if not self._queue.breaker.is_open:
            self._pay(owed)

    def _prepare_once(self) -> None:
        if not self._prepared:
            self._store.prepare()
            self._prepared = True

    def _pay(self, owed: Iterable[str]) -> None:
        try:
            for recipient in owed:
                reached = self._catch_up.push_newest(recipient)
                self._store.settle(recipient, reached)
                log.info("Queue of '%s' caught up to message %d", recipient, reached)
            for recipient in self._debts.pending():
                self._catch_up.push_newest(recipient)
                self._debts.clear(recipient)
        except Failure as failure:
            log.debug("Repairer goes on later: %s", failure)

    def start(self) -> threading.Thread:
        """Step for ever in the background; under gevent this is a greenlet."""
        thread = threading.Thread(target=self._run, name="repairer", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(INTERVAL_S):
            try:
                self.step()
            except Exception:  # a bug must not stop the repairs
                log.exception("Repairer step failed")
