"""The floor of a send: what the drivers alone need for one durable insert and one round trip to Redis.

`python -m benchmarks.floor MONGODB_URL REDIS_URL CLIENTS` is one process of several clients. For each
number that it reads on a line, its clients make so many sends, and it answers with an empty line.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from harness.errors import InfrastructureError
from harness.stack import Services

DATABASE = "bench_floor"
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
def drivers(mongodb_url: str, redis_url: str) -> Iterator[Drivers]:
    """Yield connected drivers."""
    with (
        MongoClient[dict[str, Any]](mongodb_url) as client,
        redis.Redis.from_url(redis_url) as queue,
    ):
        database = client.get_database(DATABASE, write_concern=WriteConcern(w="majority", j=True))
        yield Drivers(database["messages"], queue)


@contextmanager
def crowd(services: Services, *, processes: int, clients: int) -> Iterator[Crowd]:
    """Yield so many clients, shared out among processes."""
    words = [services.mongodb_direct_url, services.redis_direct_url, str(clients // processes)]
    with ExitStack() as stack:
        yield Crowd([stack.enter_context(_process(words)) for _ in range(processes)])


@contextmanager
def _process(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.floor", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
        start_new_session=True,  # Ctrl-C is for this process alone, which ends their input
    ) as process:
        yield process


@dataclass(frozen=True)
class Crowd:
    """Several clients that use the drivers at the same time."""

    processes: list[subprocess.Popen[str]]

    def sends_per_s(self, total: int) -> float:
        """Make so many sends. Raise InfrastructureError if a process has ended."""
        began = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{total // len(self.processes)}\n")
            process.stdin.flush()
        for process in self.processes:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise InfrastructureError("A process that measures the floor of a send has ended by itself.")
        return total / (time.perf_counter() - began)


def main(mongodb_url: str, redis_url: str, clients: str) -> None:
    """Make sends as the input asks for them."""
    numbers = itertools.count()
    with drivers(mongodb_url, redis_url) as floor, ThreadPoolExecutor(int(clients)) as pool:
        for line in sys.stdin:
            list(pool.map(floor.send, itertools.islice(numbers, int(line))))
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
