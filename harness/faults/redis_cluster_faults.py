"""Faults of a Redis Cluster: a primary is lost, a replica lags behind, slots are on their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from harness.errors import InfrastructureError
from harness.faults.fault import Breakage, Fault, Observation
from harness.faults.injector import Injector
from harness.stack.probe import Sighting
from harness.stack.redis_cluster import RedisCluster, slot_of

_WRONG_PASSWORD = "of no node"


class RedisClusterFaults(Injector):
    """Faults of a Redis Cluster of the harness's own."""

    def redis_shard_lost(self, cluster: RedisCluster, mailbox: str) -> AbstractContextManager[Fault]:
        """`kill -9` for the primary of a mailbox; over when its replica has taken over."""
        primary = cluster.primary_of(mailbox)
        return self.lasting(
            Breakage(
                Fault("redis", "shard lost"),
                health=_serves(cluster),
                proof=_states(lambda: "running" if primary.running else "ended", "ended"),
                inject=primary.kill,
                heal=cluster.await_serving,
            )
        )

    def redis_replica_behind(self, cluster: RedisCluster, mailbox: str) -> AbstractContextManager[Fault]:
        """The replica of a mailbox's primary gets no further pushes.

        It is disconnected, and has a password with which the primary does not let it in.
        """
        primary = cluster.primary_of(mailbox)
        replica = cluster.replica_of(primary)

        def leave_behind() -> None:
            replica.ask("CONFIG", "SET", "masterauth", _WRONG_PASSWORD)
            primary.ask("CLIENT", "KILL", "TYPE", "replica")

        def behind() -> str:
            return "follows" if replica.running and replica.follows() else "behind"

        return self.lasting(
            Breakage(
                Fault("replica", "behind"),
                health=_serves(cluster),
                proof=_states(behind, "behind"),
                inject=leave_behind,
                heal=lambda: replica.ask("CONFIG", "SET", "masterauth", ""),
            )
        )

    def redis_slots_moving(
        self, cluster: RedisCluster, mailboxes: Sequence[str]
    ) -> AbstractContextManager[Fault]:
        """The slot of each mailbox is on its way to the next primary; at the end it has arrived there."""
        moves, primaries = ExitStack(), cluster.primaries()

        def begin() -> None:
            for slot, mailbox in {slot_of(each): each for each in mailboxes}.items():
                source = cluster.primary_of(mailbox)
                target = primaries[(primaries.index(source) + 1) % len(primaries)]
                moves.enter_context(cluster.moving(slot, source, target))

        def moving() -> str:
            return "on their way" if any(node.is_giving_slots_away() for node in primaries) else "in place"

        return self.lasting(
            Breakage(
                Fault("redis", "slots moving"),
                health=_serves(cluster),
                proof=_states(moving, "on their way"),
                inject=begin,
                heal=moves.close,
            )
        )


def _serves(cluster: RedisCluster) -> Observation:
    return _states(lambda: "serves" if cluster.serves() else "has slots without a primary", "serves")


def _states(word: Callable[[], str], shows: str) -> Observation:
    def look() -> Sighting:
        try:
            return Sighting(word(), 0.0)
        except InfrastructureError as error:
            return Sighting(str(error), 0.0)

    return Observation(look, shows)
