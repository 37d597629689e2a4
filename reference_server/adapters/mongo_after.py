"""One command that appends messages to a mailbox, right after the message that is believed to be its newest.

It is a list of upserts. Each names the index that orders the mailbox, so MongoDB refuses all of them if the
database was dropped meanwhile. The first one inserts nothing: it fails unless the message before is there. So
a belief that is out of date can cost a second try, but never make a hole or put a timestamp back.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

from pymongo import errors
from pymongo.collection import Collection

from reference_server.adapters.mongo import Document
from reference_server.message import EMPTY, Head

ORDER = "recipient_seq"
"""The unique index on (recipient, seq)."""
_KEY = ("_id", "recipient", "seq")
_DUPLICATE_KEY = 11000
"""MongoDB's error code, as are those below."""


class Stop(Enum):
    """Why a message was not appended. Those after it were not tried."""

    MOVED = auto()
    """The message before is not there, or the place is taken."""
    CLIENT_ID_IN_USE = auto()
    NO_INDEX = auto()


_REASONS = {2: Stop.NO_INDEX, 53: Stop.MOVED}
"""A hint with an unknown index, and an illegal `_id`."""


class Updates(Protocol):
    """Sends updates to MongoDB: in order, until one fails."""

    def run(self, updates: Sequence[Document]) -> Document:
        """Return the reply to a command with these updates. Raise the driver's errors."""


class Alone:
    """Sends updates of a collection as a command of their own."""

    def __init__(self, messages: Collection[Document]) -> None:
        self._messages = messages

    def run(self, updates: Sequence[Document]) -> Document:
        """See Updates."""
        durably = self._messages.write_concern.document
        # Not bulk_write, which takes 50 µs longer to build the same command. `command` adds no write concern.
        command = {"update": self._messages.name, "updates": updates, "writeConcern": durably}
        return self._messages.database.command(command)


def append_after(messages: Updates, head: Head, documents: Sequence[Document]) -> tuple[int, Stop | None]:
    """Append documents whose places follow `head`; return how many are stored durably, and why no more.

    Raise the driver's errors if that is unknown.
    """
    checks = [] if head == EMPTY else [_check(documents[0]["recipient"], head)]
    reply = messages.run([*checks, *map(_insert, documents)])
    if failure := reply.get("writeConcernError"):
        raise errors.WriteConcernError(failure["errmsg"], failure["code"], failure)
    if not (failures := reply.get("writeErrors")):
        return len(documents), None
    if stop := _reason(failures[0]):
        return max(0, failures[0]["index"] - len(checks)), stop
    raise errors.WriteError(failures[0]["errmsg"], failures[0]["code"], failures[0])


def _check(recipient: str, head: Head) -> Document:
    """Return an upsert that changes nothing if the head is there. Otherwise MongoDB refuses its `_id`."""
    there = {"recipient": recipient, "seq": head.seq, "timestamp_us": head.timestamp_us}
    return _upsert(there, {"_id": []})


def _insert(document: Document) -> Document:
    """Return an upsert that inserts a document. If its place is taken, the index refuses it."""
    key = {name: document[name] for name in _KEY}
    return _upsert(key, {name: value for name, value in document.items() if name not in _KEY})


def _upsert(there: Document, on_insert: Document) -> Document:
    return {"q": there, "u": {"$setOnInsert": on_insert}, "upsert": True, "hint": ORDER}


def _reason(failure: Document) -> Stop | None:
    """Return what a write error means; None if that is not known.

    Which unique index was violated is told by its fields: the error text may contain user input.
    """
    if failure["code"] != _DUPLICATE_KEY:
        return _REASONS.get(failure["code"])
    return Stop.CLIENT_ID_IN_USE if "client_message_id" in failure["keyPattern"] else Stop.MOVED
