"""The store of record in MongoDB: it orders every mailbox, by a unique index.

Collection `messages` {_id, recipient, seq, sender, content, timestamp_us, client_message_id?}. A message is
inserted with `seq = head + 1`, on the condition that the head is there; otherwise it is tried again. So n+1
cannot exist before n is visible, and every reader sees a prefix. (With a counter that is incremented first
and used later, a cursor could pass a message that is inserted late.) Times are int64 microseconds, as a BSON
date has milliseconds only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pymongo
from pymongo import errors

from reference_server.adapters.heads import Heads, Known
from reference_server.adapters.mongo import Document, Mongo
from reference_server.adapters.mongo_after import ORDER, Alone, Stop, Updates, append_after
from reference_server.adapters.mongo_documents import from_document, to_document
from reference_server.adapters.mongo_pages import Pages
from reference_server.adapters.mongo_together import Together
from reference_server.errors import OutcomeUnknown, StoreUnavailable
from reference_server.interfaces import Breaker, Conversation, Cursor, Page, page_of
from reference_server.message import EMPTY, Draft, Head, Message, place_after
from reference_server.turns import TooLate, Turns

SHARD_KEY = "recipient"
"""What `messages` can be sharded by: a mailbox is in one shard, where its order is decided."""
_INDEXES = [
    pymongo.IndexModel([("recipient", 1), ("seq", 1)], name=ORDER, unique=True),
    pymongo.IndexModel(
        [("sender", 1), ("client_message_id", 1)],
        name="sender_client_message_id",
        unique=True,
        partialFilterExpression={"client_message_id": {"$exists": True}},
    ),
    pymongo.IndexModel([("recipient", 1), ("timestamp_us", 1)], name="recipient_timestamp"),
    pymongo.IndexModel([("recipient", 1), ("sender", 1), ("timestamp_us", 1)], name="conversation"),
    pymongo.IndexModel([("sender", 1), ("recipient", 1), ("timestamp_us", 1)], name="conversations"),
]
_SENDS_OF_A_MAILBOX = pymongo.IndexModel(
    [(SHARD_KEY, 1), ("sender", 1), ("client_message_id", 1)],
    name="recipient_sender_client_message_id",
    unique=True,
    partialFilterExpression={"client_message_id": {"$exists": True}},
)
_TURN_TIMEOUT_S = 0.4
"""With a whole operation on MongoDB after it, a send is still answered within one second."""
_BAD_HINT = 2  # MongoDB's error code for a hint with an unknown index


@dataclass(eq=False, slots=True)
class _Sending:
    """A draft that is being appended. `may_be_stored` is True from when it was sent to MongoDB."""

    draft: Draft
    now_us: int
    may_be_stored: bool = False
    outcome: Message | Exception | None = None

    def failed(self, error: StoreUnavailable) -> StoreUnavailable | OutcomeUnknown:
        """Return what a failure of MongoDB means for this draft."""
        return OutcomeUnknown(str(error)) if self.may_be_stored else StoreUnavailable(str(error))


def indexes(*, sharded: bool) -> list[pymongo.IndexModel]:
    """Return the indexes of `messages`. In a sharded collection each unique one begins with the shard key.

    So MongoDB demands, as each shard knows its own messages only.
    """
    return [_INDEXES[0], _SENDS_OF_A_MAILBOX, *_INDEXES[2:]] if sharded else _INDEXES


class MongoStore:
    """A MessageStore. A poll without a cursor starts `window` messages back."""

    def __init__(self, mongo: Mongo, *, window: int) -> None:
        self._mongo = mongo
        self._window = window
        self._turns: Turns[_Sending, Message] = Turns(self._append_all)
        self._heads = Heads()
        self._messages = mongo.collection("messages")
        self._alone = Alone(self._messages)
        self._together = Together(self._alone)
        self._durable = mongo.durable("messages")
        self._pages = Pages(mongo)
        self._users = mongo.collection("users")

    @property
    def breaker(self) -> Breaker:
        """See Guarded."""
        return self._mongo.breaker

    def probe(self) -> bool:
        """See Guarded."""
        return self._mongo.probe()

    def prepare(self) -> None:
        """See MessageStore."""
        with self._mongo.operation():
            self._create_indexes()

    # -- writing

    def append(self, draft: Draft, now_us: int) -> Message:
        """See MessageStore. All that wait for their turn at a mailbox are stored by one command.

        Appends to other mailboxes may share it: see mongo_together.py.
        """
        try:
            return self._turns.take(draft.recipient, _Sending(draft, now_us), _TURN_TIMEOUT_S)
        except TooLate as error:
            raise StoreUnavailable(f"too many are sending to '{draft.recipient}' at once") from error

    def _append_all(self, recipient: str, batch: Sequence[_Sending]) -> list[Message | Exception]:
        """Return for each the stored message, or the exception that `append` raises."""
        try:
            with self._mongo.operation():
                while left := [each for each in batch if each.outcome is None]:
                    self._append_some(recipient, left)
        except StoreUnavailable as error:
            for each in batch:
                each.outcome = each.outcome or each.failed(error)
        return [each.outcome for each in batch if each.outcome is not None]

    def _append_some(self, recipient: str, left: list[_Sending]) -> None:
        """Append as many as one command can. Note what may be stored: the driver's errors do not say so."""
        try:
            known = self._heads.take(recipient) or Known(self._head(recipient))
        except LookupError:
            for each in left:
                each.outcome = LookupError(recipient)
            return
        left.sort(key=lambda each: each.may_be_stored)  # who waits for an earlier message delays no one
        messages = _placed(known.head, left)
        for each in left:
            each.may_be_stored = True
        way = self._way(known, messages)
        stored, stop = append_after(way, known.head, [to_document(message) for message in messages])
        for each, message in zip(left[:stored], messages, strict=False):
            each.outcome = message
        for each in left[stored:]:
            each.may_be_stored = False
        if stop is None:
            self._heads.keep(messages[-1], after=known)
        elif stop is Stop.NO_INDEX:
            self._create_indexes()
        elif stop is Stop.CLIENT_ID_IN_USE:
            left[stored].may_be_stored = True
            left[stored].outcome = self._earlier(left[stored].draft)

    def _way(self, known: Known, messages: Sequence[Message]) -> Updates:
        """Return how to send an append: with others' only if it hardly ever fails, and is short.

        A `mongos` would send those of each shard one after the other.
        """
        may_share = known.is_steady and len(messages) == 1 and not self._mongo.is_sharded
        return self._together if may_share else self._alone

    def _create_indexes(self) -> None:
        """Create the indexes that are missing, also while a member of the replica set is away."""
        self._messages.create_indexes(indexes(sharded=self._mongo.is_sharded), commitQuorum="majority")

    def _head(self, recipient: str) -> Head:
        """Return the mailbox's head. Raise LookupError if the mailbox is empty and the user unknown.

        The newest message may not be durable yet. The next one is then acked only after both are durable.
        """
        if newest := self._newest(recipient):
            return Head(newest["seq"], newest["timestamp_us"])
        if self._users.find_one({"_id": recipient}, {"_id": 1}) is None:
            raise LookupError(recipient)
        return EMPTY

    def _newest(self, recipient: str) -> Document | None:
        """Return the mailbox's last message; None if there is none or the index was dropped."""
        place = {"seq": 1, "timestamp_us": 1}
        try:
            return self._messages.find_one({"recipient": recipient}, place, sort=[("seq", -1)], hint=ORDER)
        except errors.OperationFailure as error:
            if error.code != _BAD_HINT:
                raise
            return None

    def _earlier(self, draft: Draft) -> Message | None:
        """Return the sender's message with this id; None while it is not durable and so cannot be acked."""
        where = {"sender": draft.sender, "client_message_id": draft.client_message_id}
        if self._mongo.is_sharded:
            where[SHARD_KEY] = draft.recipient
        found = self._durable.find_one(where)
        return from_document(found) if found else None

    # -- reading

    def tail(self, recipient: str, limit: int) -> list[Message]:
        """See MessageStore. A queue that is rebuilt from it must not lack what another primary has acked."""
        with self._mongo.operation():
            messages = self._mongo.confirmed("messages")
            newest = messages.find({"recipient": recipient}, sort=[("seq", -1)], limit=limit)
            # In one batch: each one would be confirmed again.
            return [from_document(found) for found in newest.batch_size(limit + 1)][::-1]

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        """See MessageStore."""
        return self._find({"recipient": recipient, "seq": {"$gt": seq}}, [("seq", 1)], limit)

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        """See MessageStore."""
        if cursor.given:
            return self._pages.after(recipient, cursor.since_us, limit)
        behind: Document = {"recipient": recipient, "timestamp_us": {"$gt": cursor.since_us}}
        with self._mongo.operation():
            newest = self._find({"recipient": recipient}, [("seq", -1)], 1)
            head_seq = newest[0].seq if newest else 0
            behind["seq"] = {"$gt": head_seq - self._window}
            return page_of(self._find(behind, [("seq", 1)], limit + 1), cursor, limit, head_seq)

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        """See MessageStore."""
        older: Document = {} if before_us is None else {"timestamp_us": {"$lt": before_us}}
        there, back = {"recipient": other, "sender": one}, {"recipient": one, "sender": other}
        newest_first = [("timestamp_us", -1), ("recipient", 1)]
        return self._find({"$or": [there | older, back | older]}, newest_first, limit)

    def conversations(self, user: str, limit: int) -> list[Conversation]:
        """See MessageStore. The indexes give the last message of each pair without reading the others."""
        sent = _newest_of_each({"sender": user}, "recipient", "sent")
        received = _newest_of_each({"recipient": user}, "sender", "received")
        both: list[Document] = [
            *received,
            {"$unionWith": {"coll": self._durable.name, "pipeline": sent}},
            # Of a message and nothing, $max is the message.
            {"$group": {"_id": "$_id", "sent": {"$max": "$sent"}, "received": {"$max": "$received"}}},
            {"$set": {"newest_us": {"$max": ["$sent.timestamp_us", "$received.timestamp_us"]}}},
            {"$sort": {"newest_us": -1, "_id": 1}},
            {"$limit": limit},
        ]
        with self._mongo.operation():
            return [_conversation(found) for found in self._durable.aggregate(both)]

    def recent_recipients(self, limit: int) -> set[str]:
        """See MessageStore. The ids are time-ordered."""
        with self._mongo.operation():
            newest = self._durable.find({}, {"recipient": 1}, sort=[("_id", -1)], limit=limit)
            return {found["recipient"] for found in newest}

    def _find(self, where: Document, order: list[tuple[str, int]], limit: int) -> list[Message]:
        with self._mongo.operation():
            return [from_document(found) for found in self._durable.find(where, sort=order, limit=limit)]


def _placed(head: Head, sendings: Sequence[_Sending]) -> list[Message]:
    """Return the drafts as the messages after `head`."""
    messages: list[Message] = []
    for each in sendings:
        messages.append(place_after(head, each.draft, each.now_us))
        head = Head(messages[-1].seq, messages[-1].timestamp_us)
    return messages


def _newest_of_each(where: Document, other: str, direction: str) -> list[Document]:
    """Return the stages that find the newest message for each value of the field `other`."""
    [one] = where
    return [
        {"$match": where},
        {"$sort": {one: 1, other: 1, "timestamp_us": 1}},
        {"$group": {"_id": f"${other}", direction: {"$last": "$$ROOT"}}},
    ]


def _conversation(found: Document) -> Conversation:
    sent, received = found["sent"], found["received"]
    return Conversation(found["_id"], sent and from_document(sent), received and from_document(received))
