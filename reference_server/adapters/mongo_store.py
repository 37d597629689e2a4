"""The store of record in MongoDB: it orders every mailbox, by a unique index.

Collections, all in one database:

- `messages` {_id, recipient, seq, sender, content, timestamp_us, client_message_id?}. A message goes in as
  `seq = head + 1`, again on a duplicate key: so n+1 cannot exist before n is visible, and every reader sees a prefix.
  A counter that is incremented first and used later lets a late insert hide behind a cursor that has passed it.
  Times are int64 microseconds: a BSON date keeps milliseconds only.
- `users` {_id: username, password_hash}
- `owed` {_id: recipient, seq}: the mailboxes whose queue may miss messages up to seq.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pymongo
from pymongo import errors
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.errors import OutcomeUnknown, StoreUnavailable
from reference_server.interfaces import Cursor, Page, page_of
from reference_server.message import EMPTY, Draft, Head, Message, place_after

log = logging.getLogger(__name__)

Document = dict[str, Any]
_ORDER = "recipient_seq"
_IDEMPOTENCY = "sender_client_message_id"
_BAD_HINT = 2  # MongoDB's error code for a hint that names no index
_INDEXES = (
    pymongo.IndexModel([("recipient", 1), ("seq", 1)], name=_ORDER, unique=True),
    pymongo.IndexModel(
        [("sender", 1), ("client_message_id", 1)],
        name=_IDEMPOTENCY,
        unique=True,
        partialFilterExpression={"client_message_id": {"$exists": True}},
    ),
    pymongo.IndexModel([("recipient", 1), ("timestamp_us", 1)], name="recipient_timestamp"),
    pymongo.IndexModel([("recipient", 1), ("sender", 1), ("timestamp_us", 1)], name="conversation"),
)


def connect(url: str, timeout_ms: int) -> pymongo.MongoClient[Document]:
    """Open a client. Connects in the background; what the URL says about durability is overruled.

    Majority and journal: what was acked survives a killed mongod. No retries by the driver: they would repeat a
    write whose outcome is unknown behind the server's back, and spend the time a client waits.
    """
    return pymongo.MongoClient(
        url,
        w="majority",
        journal=True,
        retryWrites=False,
        retryReads=False,
        serverSelectionTimeoutMS=timeout_ms,
        connectTimeoutMS=timeout_ms,
        heartbeatFrequencyMS=1000,  # so that a primary that is back is seen within a second
    )


class MongoStore:
    """A MessageStore and a UserStore. No operation takes longer than `timeout_s`, whatever it consists of.

    `window` is how many messages a client without a cursor starts back.
    """

    def __init__(
        self, database: Database[Document], breaker: CircuitBreaker, *, timeout_s: float, window: int
    ) -> None:
        self.breaker = breaker
        self._timeout_s = timeout_s
        self._window = window
        self._database = database
        self._messages = database["messages"]
        self._users = database["users"]
        self._owed = database["owed"]
        self._durable: Collection[Document] = self._messages.with_options(
            read_concern=ReadConcern("majority")
        )

    # -- writing

    def prepare(self) -> None:
        """See MessageStore."""
        with self._operation():
            self._messages.create_indexes(list(_INDEXES))

    def append(self, draft: Draft, now_us: int) -> Message:
        """See MessageStore. The driver's own errors tell nobody whether an insert left, so this keeps track."""
        insert_sent = False
        try:
            with self._operation():
                while True:
                    message = place_after(self._place_for(draft), draft, now_us)
                    insert_sent = True
                    try:
                        self._messages.insert_one(_document(message))
                    except errors.DuplicateKeyError as error:
                        insert_sent = False
                        earlier = self._earlier(draft, error)
                        if earlier is not None:
                            return earlier
                    else:
                        return message
        except StoreUnavailable as error:
            if insert_sent:
                raise OutcomeUnknown(str(error)) from error
            raise

    def _place_for(self, draft: Draft) -> Head:
        """Find the mailbox's head. A mailbox without one is looked at closely, once: is there such a user?

        The hint proves that the index the order rests on exists, even if somebody dropped the database meanwhile.
        """
        try:
            newest = self._messages.find_one(
                {"recipient": draft.recipient}, {"seq": 1, "timestamp_us": 1}, sort=[("seq", -1)], hint=_ORDER
            )
        except errors.OperationFailure as error:
            if error.code != _BAD_HINT:
                raise
            newest = None
        if newest is not None:
            return Head(newest["seq"], newest["timestamp_us"])
        self._messages.create_indexes(list(_INDEXES))
        if self._users.find_one({"_id": draft.recipient}, {"_id": 1}) is None:
            raise LookupError(draft.recipient)
        return EMPTY

    def _earlier(self, draft: Draft, error: errors.DuplicateKeyError) -> Message | None:
        """Find what holds the place: the sender's own earlier message, or (None) another message's seq."""
        if _IDEMPOTENCY not in str(error):
            return None
        found = self._messages.find_one(
            {"sender": draft.sender, "client_message_id": draft.client_message_id}
        )
        return _message(found) if found else None

    # -- reading

    def head(self, recipient: str) -> Head:
        """See MessageStore."""
        newest = self.tail(recipient, 1)
        return Head(newest[0].seq, newest[0].timestamp_us) if newest else EMPTY

    def tail(self, recipient: str, limit: int) -> list[Message]:
        """See MessageStore."""
        return self._find({"recipient": recipient}, [("seq", -1)], limit)[::-1]

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        """See MessageStore."""
        return self._find({"recipient": recipient, "seq": {"$gt": seq}}, [("seq", 1)], limit)

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        """See MessageStore."""
        behind: Document = {"recipient": recipient, "timestamp_us": {"$gt": cursor.since_us}}
        if cursor.given:
            return page_of(self._find(behind, [("timestamp_us", 1)], limit + 1), cursor, limit, head_seq=0)
        head_seq = self.head(recipient).seq
        behind["seq"] = {"$gt": head_seq - self._window}
        return page_of(self._find(behind, [("seq", 1)], limit + 1), cursor, limit, head_seq)

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        """See MessageStore."""
        older: Document = {} if before_us is None else {"timestamp_us": {"$lt": before_us}}
        directions = [
            {"recipient": other, "sender": one, **older},
            {"recipient": one, "sender": other, **older},
        ]
        return self._find({"$or": directions}, [("timestamp_us", -1), ("recipient", 1)], limit)

    def _find(self, where: Document, order: list[tuple[str, int]], limit: int) -> list[Message]:
        with self._operation():
            return [_message(found) for found in self._durable.find(where, sort=order, limit=limit)]

    # -- what the queue is owed

    def owe(self, recipient: str, seq: int) -> None:
        """See MessageStore."""
        with self._operation():
            try:
                self._owed.update_one({"_id": recipient}, {"$max": {"seq": seq}}, upsert=True)
            except errors.DuplicateKeyError:  # another upsert made the document at the same moment
                self._owed.update_one({"_id": recipient}, {"$max": {"seq": seq}})

    def owed(self) -> Mapping[str, int]:
        """See MessageStore."""
        with self._operation():
            return {trace["_id"]: trace["seq"] for trace in self._owed.find({})}

    def settle(self, recipient: str, seq: int) -> None:
        """See MessageStore."""
        with self._operation():
            self._owed.delete_one({"_id": recipient, "seq": {"$lte": seq}})

    # -- users

    def add_user(self, username: str, password_hash: str) -> bool:
        """See UserStore."""
        with self._operation():
            try:
                self._users.insert_one({"_id": username, "password_hash": password_hash})
            except errors.DuplicateKeyError:
                return False
            return True

    def password_hash(self, username: str) -> str | None:
        """See UserStore."""
        with self._operation():
            user = self._users.find_one({"_id": username})
            return user["password_hash"] if user else None

    def user_exists(self, username: str) -> bool:
        """See UserStore."""
        with self._operation():
            return self._users.find_one({"_id": username}, {"_id": 1}) is not None

    # -- the way to MongoDB

    def probe(self) -> bool:
        """See MessageStore. A majority read, because a primary cut off from its majority answers a ping."""
        try:
            with pymongo.timeout(self._timeout_s):
                self._durable.find_one({}, {"_id": 1})
        except errors.PyMongoError as error:
            log.debug("MongoDB probe failed: %s", error)
            return False
        return True

    @contextmanager
    def _operation(self) -> Iterator[None]:
        """Bound what is inside in time and put it behind the breaker. Raises StoreUnavailable."""
        if self.breaker.is_open:
            raise StoreUnavailable("MongoDB: circuit breaker is open")
        try:
            with pymongo.timeout(self._timeout_s):
                yield
        except errors.WaitQueueTimeoutError as error:  # our pool is busy: says nothing about MongoDB
            raise StoreUnavailable(f"MongoDB: every connection is in use: {error}") from error
        except errors.PyMongoError as error:
            self.breaker.failed(error)
            raise StoreUnavailable(f"MongoDB: {error}") from error
        self.breaker.succeeded()


def _document(message: Message) -> Document:
    document: Document = {
        "_id": message.id,
        "recipient": message.recipient,
        "seq": message.seq,
        "sender": message.sender,
        "content": message.content,
        "timestamp_us": message.timestamp_us,
    }
    if message.client_message_id is not None:  # absent, not null: the unique index is a partial one
        document["client_message_id"] = message.client_message_id
    return document


def _message(document: Document) -> Message:
    return Message(
        id=document["_id"],
        seq=document["seq"],
        sender=document["sender"],
        recipient=document["recipient"],
        content=document["content"],
        timestamp_us=document["timestamp_us"],
        client_message_id=document.get("client_message_id"),
    )
