"""Counts of failed sign-ins and registrations in MongoDB: collections of {_id, entries: [seconds], expireAt}.

Sign-in and registration need MongoDB anyway, and so all workers and instances share one count. With a count
per worker, an attacker could multiply the limit by the number of workers.
"""

from __future__ import annotations

import time
from typing import Any

from limits.storage.mongodb import MongoDBStorageBase

from reference_server.adapters.mongo import Mongo


class MongoCounts(MongoDBStorageBase):
    """A storage for the library `limits` that uses the server's connection and its circuit breaker.

    Every method raises StoreUnavailable.
    """

    def __init__(self, mongo: Mongo, collection: str) -> None:
        super().__init__("")
        self._mongo = mongo
        self._counts = mongo.collection(collection)

    @property
    def windows(self) -> Any:
        """The collection. Override the library's method."""
        return self._counts

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count one more if the limit allows it; return whether it does. Override the library's method."""
        with self._mongo.operation():
            self._counts.create_index("expireAt", expireAfterSeconds=0)
            return super().acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest entry that counts, and how many do. Override the library's method."""
        with self._mongo.operation():
            oldest_s, count = super().get_moving_window(key, limit, expiry)
        return (
            (oldest_s, count) if count else (time.time(), 0)
        )  # without entries the library returns None for the time

    def _init_mongo_client(self, uri: str | None, **options: int | str | bool) -> Any:
        raise NotImplementedError("the server has its own client")

    def __del__(self) -> None:
        """Do not close the client, which belongs to the server."""
