"""What a server and its stores use: memory, open files, connections. A leak shows as a slope."""

from __future__ import annotations

import time
from typing import Any

import psutil
import pymongo
import redis
from pymongo.errors import PyMongoError

from harness.errors import InfrastructureError, UsageError
from harness.history import Recorder
from harness.stack import Services
from harness.stack.reaper import family
from harness.targets.instances import Instances

ANSWERS_WITHIN_S = 5.0
LOOK_EVERY_S = 1.0
MB = 1e6


class Vitals:
    """Measures a server's instances and its Redis and MongoDB, past the proxies. `close` it in the end."""

    def __init__(self, instances: Instances, services: Services, recorder: Recorder) -> None:
        self._recorder = recorder
        self._instances = instances
        self._redis = None
        self._mongodb: pymongo.MongoClient[dict[str, Any]] | None = None
        if url := services.redis_direct_url:
            self._redis = redis.Redis.from_url(url, socket_timeout=ANSWERS_WITHIN_S)
        if url := services.mongodb_direct_url:
            self._mongodb = pymongo.MongoClient(
                url,
                connect=False,
                serverSelectionTimeoutMS=int(ANSWERS_WITHIN_S * 1000),
                timeoutMS=int(ANSWERS_WITHIN_S * 1000),
            )

    def watch(self, *, minutes: float) -> None:
        """Record a sample about once a second for `minutes` minutes."""
        begin = time.monotonic()
        looks = 0
        while time.monotonic() < begin + minutes * 60:
            self._recorder.record("vitals", values=self.sample())
            looks += 1
            time.sleep(max(0.0, begin + looks * LOOK_EVERY_S - time.monotonic()))

    def sample(self) -> dict[str, float]:
        """Measure once; names end in their unit. Raise InfrastructureError when a store does not answer."""
        values = self._of_server()
        if self._redis is not None:
            values["redis_data_mb"] = self.redis_data_bytes() / MB
        if self._mongodb is not None:
            values["mongodb_connections"] = self._connections(self._mongodb)
        return values

    def redis_data_bytes(self) -> int:
        """Return the memory that Redis uses for data. Raise InfrastructureError when it does not answer."""
        if self._redis is None:
            raise UsageError("The target's profile names no Redis that could be measured.")
        try:
            memory: Any = self._redis.info("memory")
        except redis.RedisError as error:
            raise InfrastructureError(f"Redis cannot be measured: {error}.") from error
        return int(memory["used_memory_dataset"])

    def close(self) -> None:
        """Close the connections."""
        for client in (self._redis, self._mongodb):
            if client is not None:
                client.close()

    def _connections(self, client: pymongo.MongoClient[dict[str, Any]]) -> float:
        try:
            return float(client.admin.command("serverStatus")["connections"]["current"])
        except PyMongoError as error:
            raise InfrastructureError(f"MongoDB cannot be measured: {error}.") from error

    def _of_server(self) -> dict[str, float]:
        memory = files = 0
        for target in self._instances.targets:
            for process in family(target.pid):
                try:
                    memory += process.memory_info().rss
                    files += process.num_fds()
                except psutil.NoSuchProcess:
                    continue  # it has just ended
        return {"server_memory_mb": memory / MB, "server_files": files}
