"""Mutants of the order in a mailbox: which message is first, and what becomes visible when."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import replace

from msgspec import structs
from pymongo import ReturnDocument, errors

from reference_server.adapters import mongo_store
from reference_server.adapters.mongo_store import MongoStore
from reference_server.service import Messenger
from tests.mutants.parts import insert, poll_the_store
from tests.mutants.registry import mutant

_look, _place_after = Messenger._look, mongo_store.place_after

SLOW_S = 0.05
"""As long as a write may take on a busy disk; a race that takes as long is lost within a few seconds."""
LATE_S = 0.2
"""One insert that takes so long is overtaken by several of another worker's, and a poll comes meanwhile."""


@mutant(row="CHAOS-01", promise="no-loss")
def counter_before_insert():
    """A counter gives the place in the mailbox before the insert: a late insert is behind a cursor."""
    MongoStore.append = _append_by_counter
    Messenger._read = poll_the_store  # the queue would wait until the hole is filled


def _append_by_counter(self, draft, now_us):
    with self._mongo.operation():
        self._head(draft.recipient)
        place = self._mongo.collection("counters").find_one_and_update(
            {"_id": draft.recipient},
            [
                {
                    "$set": {
                        "seq": _one_more("seq"),
                        "timestamp_us": {"$max": [now_us, _one_more("timestamp_us")]},
                    }
                }
            ],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        time.sleep(random.choice((0, 0, 0, 0, 0, LATE_S)))
        return insert(self, draft, place["seq"], place["timestamp_us"])


def _one_more(name):
    return {"$add": [{"$ifNull": [f"${name}", 0]}, 1]}


@mutant(row="CHAOS-01", promise="order", replaces="adapters.mongo_store:MongoStore.append")
def timestamp_before_insert(self, draft, now_us):
    """The timestamp is the request's arrival time: one that waited longer for its place has an older one."""
    while True:
        with self._mongo.operation():
            head = self._head(draft.recipient)
            time.sleep(random.uniform(0, SLOW_S) / 4)
            with suppress(errors.DuplicateKeyError):
                return insert(self, draft, head.seq + 1, now_us)


@mutant(row="FLOW-02", promise="order", replaces="service:Messenger._look", quick=True)
def page_newest_first(self, mailbox, since_us, limit):
    """A page comes newest first, as it is stored in Redis."""
    polled = _look(self, mailbox, since_us, limit)
    return replace(polled, page=replace(polled.page, messages=polled.page.messages[::-1]))


@mutant(row="CHAOS-01", promise="contiguous")
def places_left_out():
    """Sometimes a number is left out, as by a sequence whose transaction was rolled back."""

    def place_after(head, draft, now_us):
        message = _place_after(head, draft, now_us)
        return structs.replace(message, seq=message.seq + random.choice((0, 0, 0, 0, 1)))

    mongo_store.place_after = place_after
    Messenger._read = poll_the_store
    Messenger._push_or_record = lambda self, message: True  # the queue would look for the missing ones
