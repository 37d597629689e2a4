"""Mutants of turns at a mailbox: what is stored together, and what is remembered for the next command."""

from __future__ import annotations

from pymongo import UpdateOne, errors

from reference_server.adapters import mongo_after, mongo_store
from reference_server.adapters.mongo_after import Stop, append_after
from reference_server.adapters.mongo_store import MongoStore
from reference_server.errors import StoreUnavailable
from reference_server.message import EMPTY, Head, Message, place_after
from tests.mutants.registry import mutant

_append_all, _append_some = MongoStore._append_all, MongoStore._append_some


@mutant(row="CHAOS-49", promise="no-loss", replaces="adapters.mongo_store:MongoStore._append_all")
def batch_acked_whatever_becomes_of_it(self, recipient, batch):
    """Those who waited for a turn are acked when the command was sent, and not when it has succeeded."""
    first, *others = _append_all(self, recipient, batch)
    drafts = [each.draft for each in batch[1:]]
    placed = [place_after(EMPTY, draft, each.now_us) for draft, each in zip(drafts, batch[1:], strict=True)]
    stored = [
        found if isinstance(found, Message) else message
        for found, message in zip(others, placed, strict=True)
    ]
    return [first, *stored]


@mutant(row="CHAOS-01", promise="no-loss", replaces="adapters.mongo_store:append_after")
def batch_acked_with_its_first(messages, head, documents):
    """If the first of a batch is stored, all are acked, also those after one whose place was taken."""
    stored, stop = append_after(messages, head, documents)
    return (len(documents), None) if stored else (stored, stop)


@mutant(row="CHAOS-06", promise="available", replaces="adapters.mongo_store:append_after")
def replay_fails_its_batch(messages, head, documents):
    """If one of a batch is a retry, all of the batch are answered 503."""
    stored, stop = append_after(messages, head, documents)
    if stop is Stop.CLIENT_ID_IN_USE and len(documents) > 1:
        raise StoreUnavailable("one of them was stored before")
    return stored, stop


@mutant(row="CHAOS-49", promise="contiguous")
def head_believed():
    """The next place is counted from an append that failed, and MongoDB is not asked for the one before."""
    nothing = UpdateOne({"_id": 0}, {"$unset": {"nothing": 1}})
    mongo_after._check = lambda recipient, head: nothing

    def append_some(self, recipient, left):
        head = self._heads.take(recipient) or self._head(recipient)
        self._heads._heads[recipient] = head
        count = len(left)
        try:
            _append_some(self, recipient, left)
        except errors.PyMongoError:
            self._heads._heads[recipient] = Head(head.seq + count, head.timestamp_us + count)
            raise

    mongo_store.MongoStore._append_some = append_some
