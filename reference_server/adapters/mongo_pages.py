"""Pages after a cursor: polls of one process that come while MongoDB is asked share the next query.

Without Redis each poll asks MongoDB, and most find nothing. To this process a query costs several times as
much as what is specific to one poll. A query is sent only after all of its polls have begun, so each sees
what was acked before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reference_server.adapters.mongo import Document, Mongo
from reference_server.adapters.mongo_documents import from_document
from reference_server.interfaces import Cursor, Page, page_of
from reference_server.message import Message
from reference_server.turns import TooLate, Turns

LONGEST_WAIT_S = 0.05
"""For the query under way. A slow MongoDB is asked side by side: each poll has its own time limit."""
MOST_EACH = 10
"""Messages that a shared query may find for each of its polls: enough for those who have read nearly all."""
_HERE = "mongodb"


@dataclass(frozen=True, slots=True)
class _Poll:
    recipient: str
    since_us: int
    limit: int

    def where(self) -> Document:
        """Return what finds the messages from the cursor on.

        It includes the message at the cursor: if that exists, there is no gap and no second query.
        """
        return {"recipient": self.recipient, "timestamp_us": {"$gte": self.since_us}}

    def page(self, found: Sequence[Message], *, reaches_back: bool = True) -> Page:
        """Return the page of the messages after the cursor, and of the one at the cursor if it exists."""
        behind = found[1:] if self._is_at_cursor(found) else found
        return page_of(behind, Cursor(self.since_us), self.limit, head_seq=0, reaches_back=reaches_back)

    def may_have_gap(self, found: Sequence[Message]) -> bool:
        """Return whether there is a gap unless the message before those exists: an operator can delete it."""
        return bool(found) and found[0].seq > 1 and not self._is_at_cursor(found)

    def _is_at_cursor(self, found: Sequence[Message]) -> bool:
        return bool(found) and found[0].timestamp_us == self.since_us


class _Alone(Exception):
    """A poll must be answered by a query of its own."""


class Pages:
    """The pages of the mailboxes in the collection `messages`."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._messages = mongo.durable("messages")
        self._turns: Turns[_Poll, Page] = Turns(self._read_all)

    def after(self, recipient: str, since_us: int, limit: int) -> Page:
        """Return the oldest `limit` durable messages after a given cursor. Raise StoreUnavailable."""
        poll = _Poll(recipient, since_us, limit)
        if self._mongo.is_sharded:  # one shard that is slow or away must not hold up the polls of all
            return self._read(poll)
        try:
            return self._turns.take(_HERE, poll, LONGEST_WAIT_S)
        except (TooLate, _Alone):
            return self._read(poll)

    def _read(self, poll: _Poll) -> Page:
        """Return the page of one poll."""
        with self._mongo.operation():
            found, _ = self._find(poll.where(), poll.limit + 2)
            reaches_back = not poll.may_have_gap(found) or self._is_there(poll.recipient, found[0].seq - 1)
        return poll.page(found, reaches_back=reaches_back)

    def _is_there(self, recipient: str, seq: int) -> bool:
        return self._messages.find_one({"recipient": recipient, "seq": seq}, {"_id": 1}) is not None

    def _read_all(self, _: str, polls: Sequence[_Poll]) -> list[Page | _Alone]:
        """Return the page of each poll, or _Alone."""
        if len(polls) == 1:
            return [self._read(polls[0])]
        most = MOST_EACH * len(polls)
        with self._mongo.operation():
            found, is_cut = self._find({"$or": [poll.where() for poll in polls]}, most)
        if is_cut:
            return [_Alone() for _ in polls]
        by_mailbox: dict[str, list[Message]] = defaultdict(list)
        for message in found:
            by_mailbox[message.recipient].append(message)
        return [self._shared(poll, by_mailbox[poll.recipient]) for poll in polls]

    def _find(self, where: Document, limit: int) -> tuple[list[Message], bool]:
        """Return the oldest messages, and whether there may be more. `find` takes 60 µs longer."""
        query = {
            "find": self._messages.name,
            "filter": where,
            "sort": {"timestamp_us": 1},  # of several mailboxes, it merges what the index has for each
            "limit": limit,
            "batchSize": limit,
            "readConcern": self._messages.read_concern.document,
        }
        cursor = self._messages.database.command(query)["cursor"]
        found = [from_document(document) for document in cursor["firstBatch"]]
        is_too_large = cursor["id"] != 0  # for one reply, which has at most 16 MB
        return found, is_too_large or len(found) == limit

    def _shared(self, poll: _Poll, found: Sequence[Message]) -> Page | _Alone:
        """Return the page of a poll, of what its mailbox has from the oldest cursor on."""
        behind = [message for message in found if message.timestamp_us >= poll.since_us]
        return _Alone() if poll.may_have_gap(behind) else poll.page(behind)
