"""The outbox in MongoDB: collection `outbox` {_id: recipient, seq}, one entry per mailbox with a failed push.

It is empty unless a push failed, so it costs a successful send nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import errors

from reference_server.adapters.mongo import Mongo


class MongoOutbox:
    """An Outbox that outlives Redis and every worker."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._entries = mongo.collection("outbox")

    def record(self, recipient: str, seq: int) -> None:
        """See Outbox."""
        with self._mongo.operation():
            try:
                self._entries.update_one({"_id": recipient}, {"$max": {"seq": seq}}, upsert=True)
            except errors.DuplicateKeyError:  # another upsert made the document at the same moment
                self._entries.update_one({"_id": recipient}, {"$max": {"seq": seq}}, upsert=True)

    def pending(self) -> Mapping[str, int]:
        """See Outbox."""
        with self._mongo.operation():
            return {entry["_id"]: entry["seq"] for entry in self._entries.find({})}

    def remove(self, recipient: str, seq: int) -> None:
        """See Outbox."""
        with self._mongo.operation():
            self._entries.delete_one({"_id": recipient, "seq": {"$lte": seq}})
