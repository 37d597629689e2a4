"""What is to be known of the queue, in MongoDB, so that it outlives Redis and every worker.

Collection `owed` {_id: recipient, seq}: the pushes that failed.

Collection `queue` {_id: "in use", identity, epoch}: the Redis in use. Whoever finds another one writes it
down, in a new epoch, *before* using it. So whoever comes back to the first one sees that it may lack
something, although he never saw the second, and nothing in the first one has changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pymongo import errors

from reference_server.adapters.mongo import Mongo
from reference_server.errors import StoreUnavailable

_IN_USE = "in use"


class MongoLedger:
    """A Ledger. Empty but for failed pushes, so it costs a send nothing."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._owed = mongo.collection("owed")
        self._queue = mongo.durable("queue")

    def owe(self, recipient: str, seq: int) -> None:
        """See Ledger."""
        with self._mongo.operation():
            try:
                self._owed.update_one({"_id": recipient}, {"$max": {"seq": seq}}, upsert=True)
            except errors.DuplicateKeyError:  # another upsert made the document at the same moment
                self._owed.update_one({"_id": recipient}, {"$max": {"seq": seq}}, upsert=True)

    def owed(self) -> Mapping[str, int]:
        """See Ledger."""
        with self._mongo.operation():
            return {trace["_id"]: trace["seq"] for trace in self._owed.find({})}

    def settle(self, recipient: str, seq: int) -> None:
        """See Ledger."""
        with self._mongo.operation():
            self._owed.delete_one({"_id": recipient, "seq": {"$lte": seq}})

    def epoch(self, identity: str) -> str:
        """See Ledger. Epochs are random: one that is counted could come back with a backup of MongoDB."""
        with self._mongo.operation():
            epoch = self._written(identity) or self._write(identity) or self._written(identity)
        if epoch is None:
            raise StoreUnavailable("others use another Redis than this one at this moment")
        return epoch

    def _written(self, identity: str) -> str | None:
        found = self._queue.find_one({"_id": _IN_USE, "identity": identity})
        return found["epoch"] if found else None

    def _write(self, identity: str) -> str | None:
        """Return the new epoch, or None if somebody else has just begun one."""
        other = {"_id": _IN_USE, "identity": {"$ne": identity}}
        epoch = secrets.token_hex(8)
        new = {"$set": {"identity": identity, "epoch": epoch}}
        try:
            self._queue.update_one(other, new, upsert=True)
        except errors.DuplicateKeyError:
            return None
        return epoch
