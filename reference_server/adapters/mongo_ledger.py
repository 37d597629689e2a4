"""What the queue is owed, in MongoDB: collection `owed` {_id: recipient, seq}."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import errors

from reference_server.adapters.mongo import Mongo


class MongoLedger:
    """A Ledger. Empty but for failed pushes, so it costs a send nothing."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._owed = mongo.collection("owed")

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
