"""Mutants of turns at a mailbox: what is stored together, and what is remembered for the next command."""

from __future__ import annotations

from pymongo import UpdateOne

from reference_server.adapters import mongo_after
from reference_server.adapters.mongo_after import Stop, append_after
from reference_server.adapters.mongo_store import MongoStore
from reference_server.errors import Failure, StoreUnavailable
from reference_server.message import EMPTY, Head, Message, place_after
from tests.mutants.registry import mutant

_append, _append_all = MongoStore.append, MongoStore._append_all


@mutant(row="CHAOS-49", promise="no-loss", replaces="adapters.mongo_store:MongoStore._append_all")
def batch_acked_whatever_becomes_of_it(self, recipient, batch):
    """Those who waited for a turn are acked when the command was sent, and not when it has succeeded."""
    first, *others = _append_all(self, recipient, batch)
    drafts = [each.draft for each in batch[1:]]
    placed = [place_after(EMPTY, draft, each.now_us) for draft, each in zip(drafts, batch[1:], strict=True)]
    return [
        first,
        *(one if isinstance(one, Message) else other for one, other in zip(others, placed, strict=True)),
    ]


@mutant(row="CHAOS-01", promise="no-loss", replaces="adapters.mongo_store:append_after")
def batch_acked_though_its_place_is_taken(messages, head, documents):
    """If another worker has taken a place of a batch, the batch is acked all the same."""
    stored, stop = append_after(messages, head, documents)
    return (len(documents), None) if stop is Stop.MOVED else (stored, stop)


@mutant(row="CHAOS-06", promise="available", replaces="adapters.mongo_store:append_after")
def replay_fails_its_batch(messages, head, documents):
    """If one of a batch is a retry, all of the batch are answered 503."""
    stored, stop = append_after(messages, head, documents)
    if stop is Stop.CLIENT_ID_IN_USE and len(documents) > 1:
        raise StoreUnavailable("one of them was stored before")
    return stored, stop


@mutant(row="CHAOS-49", promise="contiguous")
def head_believed():
    """A worker counts what it tried to append, and MongoDB is not asked for the message before."""
    nothing = UpdateOne({"_id": 0}, {"$unset": {"nothing": 1}})
    mongo_after._check = lambda recipient, head: nothing
    counted = {}

    def append(self, draft, now_us):
        try:
            message = _append(self, draft, now_us)
        except Failure:
            if head := counted.get(draft.recipient):
                head = counted[draft.recipient] = Head(head.seq + 1, head.timestamp_us + 1)
                self._heads._heads[draft.recipient] = head
            raise
        counted[draft.recipient] = Head(message.seq, message.timestamp_us)
        return message

    MongoStore.append = append
