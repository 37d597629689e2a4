"""Mutants of held polls."""

from __future__ import annotations

import time

from reference_server.service import Messenger
from tests.mutants.registry import mutant

WINDOW_S = 0.2
MISSED_S = 3600.0
_poll = Messenger.poll


@mutant(row="CHAOS-30", promise="on-time", replaces="service:Messenger.poll")
def message_between_look_and_wait(self, mailbox, since_us, limit, wait_s=0.0):
    """A held poll begins to listen after it has looked, and misses what comes in between."""
    polled = self._look(mailbox, since_us, limit)
    if polled.page.messages or not wait_s:
        return polled
    time.sleep(WINDOW_S)  # as on a busy machine
    with self._notifier.listen(mailbox) as wait_for_notification:
        wait_for_notification(wait_s - WINDOW_S)
    return self._look(mailbox, since_us, limit)


@mutant(row="CHAOS-30", promise="available", replaces="service:Messenger.poll")
def held_poll_forgotten(self, mailbox, since_us, limit, wait_s=0.0):
    """A held poll has no deadline: without a message it is never answered."""
    return _poll(self, mailbox, since_us, limit, wait_s and MISSED_S)
