"""Stores of several processes, for one row's server alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from harness.errors import UsageError
from harness.stack import Services
from harness.stack.redis_cluster import RedisCluster
from harness.stack.replica_set import ReplicaSet
from harness.stack.sentinel import WatchedRedis
from harness.targets.instances import Instances

T = TypeVar("T", RedisCluster, ReplicaSet, WatchedRedis)

__all__ = ["Clusters", "RedisCluster", "ReplicaSet", "WatchedRedis"]


class Clusters:
    """Starts clusters before the row's server, which then uses them. `close` them after it has stopped.

    Each method raises UsageError when an instance of the server runs already, and NotHere when the store of
    the run is not the harness's own.
    """

    def __init__(self, services: Services, instances: Instances) -> None:
        self._services = services
        self._instances = instances
        self._exit = ExitStack()
        self._started: list[object] = []

    def mongodb_replica_set(self, *, divisible: bool = False) -> ReplicaSet:
        """Start a replica set of three for the server, in place of the run's single mongod.

        A `divisible` one can be cut in two. Raise NotHere where that is not possible, too.
        """
        self._instances.require_none()
        replica_set = self._begun(self._services.replica_set(divisible=divisible))
        self._instances.use(mongodb_url=replica_set.url)
        return replica_set

    def redis_sentinel(self) -> WatchedRedis:
        """Start a primary, two replicas and three sentinels for the server, in place of the run's Redis."""
        self._instances.require_none()
        watched = self._begun(self._services.watched_redis())
        self._instances.use(redis_url=watched.url)
        return watched

    def redis_cluster(self) -> RedisCluster:
        """Start a Redis Cluster of three primaries, each with a replica, in place of the run's Redis."""
        self._instances.require_none()
        cluster = self._begun(self._services.redis_cluster())
        self._instances.use(redis_url=cluster.url)
        return cluster

    def of(self, kind: type[T]) -> T:
        """Return the cluster of this kind that was started. Raise UsageError without one."""
        for started in self._started:
            if isinstance(started, kind):
                return started
        raise UsageError(f"No {kind.__name__} was started.")

    def _begun(self, context: AbstractContextManager[T]) -> T:
        started = self._exit.enter_context(context)
        self._started.append(started)
        return started

    def close(self) -> None:
        """End them all."""
        self._exit.close()
