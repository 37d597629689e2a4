"""Which Redis is in use, in MongoDB: collection `queue` {_id: "in use", identity, epoch}.

A worker that finds another Redis writes its identity down, with a new epoch, *before* using it. So a worker
that returns to the first Redis learns that it may lack messages, even if that worker never saw the second
one and nothing in the first one has changed.
"""

from __future__ import annotations

import secrets

from pymongo import errors

from reference_server.adapters.mongo import Mongo
from reference_server.errors import StoreUnavailable

_IN_USE = "in use"


class MongoEpochs:
    """The epochs of the Redis servers that were in use. Epochs are random.

    A counter could repeat itself after MongoDB was restored from a backup.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._queue = mongo.durable("queue")

    def epoch(self, identity: str) -> str:
        """Return the epoch of this Redis: a new one if another Redis was used before it.

        Raise StoreUnavailable.
        """
        with self._mongo.operation():
            epoch = self._find(identity) or self._begin(identity) or self._find(identity)
        if epoch is None:
            raise StoreUnavailable("other workers are using another Redis at this moment")
        return epoch

    def _find(self, identity: str) -> str | None:
        found = self._queue.find_one({"_id": _IN_USE, "identity": identity})
        return found["epoch"] if found else None

    def _begin(self, identity: str) -> str | None:
        """Return the new epoch, or None if another worker has just begun one."""
        other = {"_id": _IN_USE, "identity": {"$ne": identity}}
        epoch = secrets.token_hex(8)
        new = {"$set": {"identity": identity, "epoch": epoch}}
        try:
            self._queue.update_one(other, new, upsert=True)
        except errors.DuplicateKeyError:
            return None
        return epoch
