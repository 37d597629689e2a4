"""The owners of a cluster's slots, in MongoDB: collection `queue` {_id: "slots", version, owners}."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import errors

from reference_server.adapters.mongo import Mongo
from reference_server.adapters.slot_owners import Range

_SLOTS = "slots"


class MongoSlotOwners:
    """A Document of slot_owners.py."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._queue = mongo.durable("queue")

    def load(self) -> tuple[str, Sequence[Range]]:
        """See Document."""
        with self._mongo.operation():
            found = self._queue.find_one({"_id": _SLOTS})
        return (found["version"], [tuple(each) for each in found["owners"]]) if found else ("", [])

    def replace(self, version: str, new_version: str, ranges: Sequence[Range]) -> bool:
        """See Document."""
        new = {"$set": {"version": new_version, "owners": [list(each) for each in ranges]}}
        with self._mongo.operation():
            try:
                done = self._queue.update_one({"_id": _SLOTS, "version": version}, new, upsert=not version)
            except errors.DuplicateKeyError:
                return False
        return bool(done.matched_count or done.upserted_id)
