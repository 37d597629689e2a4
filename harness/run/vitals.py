"""What a server and its stores use: memory, open files, connections. A leak shows as a slope."""

from __future__ import annotations

import time
from typing import Any

import psutil
import pymongo
import redis
from pymongo.errors import PyMongoError

from harness.errors import InfrastructureError
from harness.history import Recorder
from harness.stack import Services
from harness.stack.reaper import family
from harness.targets.instances import Instances

ANSWERS_WITHIN_S = 5.0
LOOK_EVERY_S = 1.0
MB = 1e6


class Vitals:
    """Measures all instances of a server and its stores, past the proxies. `close` it in the end."""

    def __init__(self, instances: Instances, services: Services, recorder: Recorder) -> None:
        self._recorder = recorder
        self._instances = instances
        self._redis = redis.Redis.from_url(services.redis_direct_url, socket_timeout=ANSWERS_WITHIN_S)
        self._mongodb: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            services.mongodb_direct_url,
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
        try:
            return self._of_server() | {
                "redis_data_mb": self.redis_data_bytes() / MB,
                "mongodb_connections": self._mongodb.admin.command("serverStatus")["connections"]["current"],
            }
        except PyMongoError as error:
            raise InfrastructureError(f"MongoDB cannot be measured: {error}.") from error

    def redis_data_bytes(self) -> int:
        """Return the memory that Redis uses for data. Raise InfrastructureError when it does not answer."""
        try:
            memory: Any = self._redis.info("memory")
        except redis.RedisError as error:
            raise InfrastructureError(f"Redis cannot be measured: {error}.") from error
        return int(memory["used_memory_dataset"])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._mongodb.close()

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
