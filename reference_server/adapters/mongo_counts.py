"""Failed sign-ins and registrations, counted in MongoDB: a collection of {_id, entries: [seconds], expireAt}.

Both need MongoDB anyway, and so all workers and instances share one count. In the memory of each worker, an
attacker would have as many times the attempts as there are workers.
"""

from __future__ import annotations

import time
from typing import Any

from limits.storage.mongodb import MongoDBStorageBase

from reference_server.adapters.mongo import Mongo


class MongoCounts(MongoDBStorageBase):
    """A storage of `limits`, on the server's own connection and behind its breaker.

    Everything raises StoreUnavailable.
    """

    def __init__(self, mongo: Mongo, collection: str) -> None:
        super().__init__("")
        self._mongo = mongo
        self._counts = mongo.collection(collection)

    @property
    def windows(self) -> Any:
        """The collection; named by the library."""
        return self._counts

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count one more, unless that is too many; named by the library."""
        with self._mongo.operation():
            self._counts.create_index("expireAt", expireAfterSeconds=0)
            return super().acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Give the time of the oldest entry that counts, and how many do; named by the library."""
        with self._mongo.operation():
            oldest_s, count = super().get_moving_window(key, limit, expiry)
        return (oldest_s, count) if count else (time.time(), 0)  # the library gives None for no time

    def _init_mongo_client(self, uri: str | None, **options: int | str | bool) -> Any:
        raise NotImplementedError("the client is the server's own")

    def __del__(self) -> None:
        """Close nothing, for the same reason."""
