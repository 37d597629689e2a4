"""The relay: brings stores that were down back into use, and pushes what the outbox holds. One per worker."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping

from reference_server.catch_up import CatchUp
from reference_server.errors import Failure, QueueUnavailable
from reference_server.interfaces import MessageQueue, MessageStore, Newest, Outbox
from reference_server.known_heads import KnownHeads
from reference_server.rhythm import Rhythm
from reference_server.stale_queues import StaleQueues

log = logging.getLogger(__name__)

MAILBOXES_PER_STEP = 50
"""After so many the outbox is read again: it may have new entries."""
WARM_UP_S = 1.0
_NO_MAILBOX = ""
LOOK_BACK = 1000
"""Messages that a new process looks back, in case a worker was killed between its insert and its push."""


class Relay:
    """Probes the stores, closes their breakers, and drains the outbox.

    Any worker can push any entry, because pushes are idempotent.
    """

    def __init__(
        self,
        queue: MessageQueue,
        store: MessageStore,
        outbox: Outbox,
        catch_up: CatchUp,
        stale_queues: StaleQueues,
        known_heads: KnownHeads,
        rhythm: Rhythm,
    ) -> None:
        self._queue = queue
        self._store = store
        self._outbox = outbox
        self._catch_up = catch_up
        self._stale_queues = stale_queues
        self._known_heads = known_heads
        self._rhythm = rhythm
        self._succeeded = False
        self._is_new = True

    def step(self) -> bool:
        """Do one round; return whether there is more to do at once. A store's failure raises nothing.

        The queue's breaker closes only once the outbox and the epoch were read: until then it is unknown
        which of its lists are complete.
        """
        self._succeeded = False
        if self._store.breaker.is_open and self._store.probe():
            self._store.breaker.close()
        # Always, not only while the breaker is open: reads alone would never notice a read-only Redis.
        reading = self._known_heads.begin(_NO_MAILBOX)
        if not self._queue.probe():
            return False
        try:
            if self._is_new:
                self._start_up()
            pending = self._stale_queues.refresh(self._outbox.pending)
            for recipient in self._queue.refresh():
                self._stale_queues.suspect(recipient, late_s=0.0)
            self._queue.breaker.close()
            # The probe's own notice shows that none is missing: so no poll must ask Redis for that.
            self._known_heads.store(reading, Newest(0, self._queue.pushes))
            more = self._push_pending(pending)
            self._succeeded = True
            return more
        except Failure as failure:
            log.debug("Relay step cut short: %s", failure)
            return False

    def has_work(self) -> bool:
        """Return whether the last step failed, a store is not in use, or a queue may lack messages."""
        is_broken = self._queue.breaker.is_open or self._store.breaker.is_open
        return not self._succeeded or is_broken or self._stale_queues.has_any()

    def _start_up(self) -> None:
        self._store.prepare()
        for recipient in self._store.recent_recipients(LOOK_BACK):
            self._stale_queues.suspect(recipient, late_s=0.0)
        self._is_new = False

    def _push_pending(self, pending: Mapping[str, int]) -> bool:
        """Push some entries, chosen at random so that two workers seldom push the same one at once.

        Return whether there are more, and all of these could be pushed.
        """
        some = random.sample(sorted(pending), min(len(pending), MAILBOXES_PER_STEP))
        reached = {recipient: self._push_newest(recipient) for recipient in some}
        for recipient, seq in reached.items():
            if seq is not None:
                self._outbox.remove(recipient, seq)
                log.info("Queue of '%s' caught up to message %d", recipient, seq)
        for recipient in self._stale_queues.suspected()[:MAILBOXES_PER_STEP]:
            if self._push_newest(recipient) is not None:
                self._stale_queues.clear(recipient)
        return len(pending) > MAILBOXES_PER_STEP and None not in reached.values()

    def _push_newest(self, recipient: str) -> int | None:
        """Return the seq that the queue has reached, or None if it is unavailable.

        In a cluster, other mailboxes may be at a node that works. Raise StoreUnavailable.
        """
        try:
            return self._catch_up.push_newest(recipient)
        except QueueUnavailable as failure:
            log.debug("Queue of '%s' has to wait: %s", recipient, failure)
            return None

    def start(self) -> None:
        """Step until the outbox was read, for one second at most; then step in the background.

        So the first requests find open connections and a known outbox, unless a store is down.
        """
        give_up_s = time.monotonic() + WARM_UP_S
        self._step_safely()
        while self._is_new and time.monotonic() < give_up_s:
            time.sleep(0.05)
            self._step_safely()
        threading.Thread(target=self._run, name="relay", daemon=True).start()

    def _run(self) -> None:
        while True:
            if not self._step_safely():
                self._rhythm.pause(self.has_work)

    def _step_safely(self) -> bool:
        try:
            return self.step()
        except Exception:  # a bug in one step must not end the relay
            log.exception("Relay step failed")
            return False
        finally:
            self._rhythm.stepped()
