"""The floor of a send: what the drivers alone need for one durable insert and one round trip to Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from harness.stack import Services

ENTRY = b"x" * 280
"""About as long as a message in a queue."""


@dataclass(frozen=True)
class Drivers:
    """A collection whose inserts are durable on a majority, and a Redis."""

    messages: Collection[dict[str, Any]]
    redis: redis.Redis

    def send(self, number: int) -> None:
        """Insert a document like a message's, and set a key in Redis."""
        self.messages.insert_one(
            {
                "recipient": "bob",
                "seq": number,
                "sender": "alice",
                "content": "message: the quick brown fox jumps over the lazy dog",
                "timestamp_us": time.time_ns() // 1000,
                "client_message_id": f"{number:024d}",
            }
        )
        self.redis.set("floor", ENTRY)


@contextmanager
def drivers(services: Services) -> Iterator[Drivers]:
    """Yield connected drivers, with a collection that is dropped in the end."""
    with (
        MongoClient[dict[str, Any]](services.mongodb_direct_url) as client,
        redis.Redis.from_url(services.redis_direct_url) as queue,
    ):
        database = client.get_database("bench_floor", write_concern=WriteConcern(w="majority", j=True))
        try:
            yield Drivers(database["messages"], queue)
        finally:
            client.drop_database("bench_floor")
