"""Mutants of retention: what is dropped, and what is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pymongo import IndexModel

from reference_server.adapters import mongo_store
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.interfaces import Cursor, Incomplete
from reference_server.service import Messenger
from tests.mutants.registry import mutant

FULL = 1000
_look, _read = Messenger._look, RedisQueue.read


def _saying(polled, gap):
    return replace(polled, page=replace(polled.page, gap=gap))


@mutant(row="CHAOS-35", promise="retention-told", replaces="service:Messenger._look")
def gap_never_told(self, mailbox, since_us, limit):
    """A reader that starts without a cursor is not told that the oldest messages were dropped."""
    return _saying(_look(self, mailbox, since_us, limit), gap=False)


@mutant(row="FLOW-02", promise="retention-told", replaces="service:Messenger._look")
def gap_always_told(self, mailbox, since_us, limit):
    """Every answer says `gap`."""
    return _saying(_look(self, mailbox, since_us, limit), gap=True)


@mutant(row="CHAOS-35", promise="retention-told", replaces="service:Messenger._look")
def gap_told_when_just_full(self, mailbox, since_us, limit):
    """A mailbox with exactly as many messages as are retained is said to have lost some."""
    polled = _look(self, mailbox, since_us, limit)
    full = since_us is None and len(self._store.tail(mailbox, FULL)) == FULL
    return _saying(polled, gap=polled.page.gap or full)


@mutant(row="DURABLE-06", promise="no-loss")
def kept_by_mongodbs_clock():
    """MongoDB deletes messages that are older than 30 days by its own clock."""
    document, seconds = mongo_store.to_document, 30 * 86_400

    def dated(message):
        return document(message) | {"sent_at": datetime.fromtimestamp(message.timestamp_us / 1e6, UTC)}

    mongo_store.to_document = dated
    mongo_store._INDEXES.append(IndexModel([("sent_at", 1)], name="sent_at", expireAfterSeconds=seconds))


@mutant(row="CHAOS-05", promise="retention-told", replaces="adapters.redis_queue:RedisQueue.read")
def dropped_in_silence(self, recipient, cursor, limit):
    """A cursor older than the queue gets what the queue has, without `gap`."""
    found = _read(self, recipient, cursor, limit)
    if isinstance(found, Incomplete):
        found = replace(_read(self, recipient, Cursor(cursor.since_us, given=False), limit), gap=False)
    return found
