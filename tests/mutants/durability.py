"""Mutants of the ack: what is reported as stored is not, or the reverse."""

from __future__ import annotations

import logging
import threading
import time

from pymongo import WriteConcern

from reference_server.adapters.mongo_after import Alone
from reference_server.adapters.mongo_store import MongoStore
from reference_server.errors import Failure, OutcomeUnknown, StoreUnavailable, Unavailable
from reference_server.message import EMPTY, Draft, Head, new_id, place_after
from reference_server.service import Messenger, Sent
from tests.mutants.registry import mutant

log = logging.getLogger(__name__)
_append, _stored, _send = MongoStore.append, Messenger._append, Messenger.send
_run = Alone.run

LATE_S = 0.1
BETWEEN_S = 0.02
"""From finding the next place to the insert: long enough for two workers to take the same one."""


def _run_with(concern, alone, updates):
    """Append with another write concern."""
    return _run(Alone(alone._messages.with_options(write_concern=concern)), updates)


@mutant(row="CHAOS-01", promise="no-loss", replaces="adapters.mongo_after:Alone.run")
def write_concern_0(self, updates):
    """MongoDB is not asked whether it stored a message (`w: 0`): of two for one place, one is lost."""
    time.sleep(BETWEEN_S)
    return _run_with(WriteConcern(w=0), self, updates)


@mutant(row="DURABLE-01", promise="no-loss", replaces="adapters.mongo_after:Alone.run")
def journal_not_awaited(self, updates):
    """A send is acked when MongoDB has the message in memory, and not yet in its journal (`j: false`)."""
    return _run_with(WriteConcern(w=1, j=False), self, updates)


@mutant(row="CLUSTER-02", promise="no-loss", replaces="adapters.mongo_after:Alone.run")
def acked_by_the_primary_alone(self, updates):
    """A send is acked when the primary has the message on its disk, and no other member (`w: 1`)."""
    return _run_with(WriteConcern(w=1, j=True), self, updates)


@mutant(row="CLUSTER-04", promise="order", replaces="adapters.mongo:Mongo.durable")
def undurable_messages_read(self, name):
    """Polls return what only the primary has (read concern `local`), and a rollback undoes it."""
    return self.collection(name)


@mutant(row="CHAOS-26", promise="no-loss", replaces="service:Messenger.send")
def acked_before_stored(self, sender, recipient, content, client_message_id):
    """A send is acked at once, and stored by another thread a moment later."""
    now_us = self._now_us()
    draft = Draft(new_id(now_us), sender, recipient, content, client_message_id)

    def store():
        time.sleep(LATE_S)
        self._push_or_record(self._append(draft, now_us))

    threading.Thread(target=store, daemon=True).start()
    return Sent(place_after(EMPTY, draft, now_us), queued=True, replayed=False)


@mutant(row="ERR-04", promise="no-loss", replaces="service:Messenger.send")
def failed_insert_acked(self, sender, recipient, content, client_message_id):
    """A failed insert is logged, and the send is acked all the same."""
    try:
        return _send(self, sender, recipient, content, client_message_id)
    except Unavailable as error:
        log.warning("not stored: %s", error)
        draft = Draft(new_id(self._now_us()), sender, recipient, content, client_message_id)
        return Sent(place_after(EMPTY, draft, self._now_us()), queued=False, replayed=False)


@mutant(row="SEND-06", promise="no-phantom", replaces="service:Messenger._append")
def push_before_insert(self, draft, now_us):
    """A message is queued before it is stored: if storing fails, it is refused, but has been read."""
    try:
        head = self._queue._client.hmget(f"head:{draft.recipient}", "seq", "timestamp_us")
        place = Head(*(int(value or 0) for value in head))
        self._catch_up.push(draft.recipient, [place_after(place, draft, now_us)])
    except Failure as failure:
        log.warning("not queued first: %s", failure)
    return _stored(self, draft, now_us)


@mutant(row="CHAOS-21", promise="no-phantom", replaces="adapters.mongo_store:MongoStore.append")
def unknown_told_as_not_stored(self, draft, now_us):
    """An insert that timed out is reported as `not_stored`, and may have been stored."""
    try:
        return _append(self, draft, now_us)
    except OutcomeUnknown as error:
        raise StoreUnavailable(str(error)) from error
