"""A Redis Cluster in this process: nodes that know their slots, and send clients to the right node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import redis
from redis.crc import key_slot
from redis.exceptions import ClusterCrossSlotError, MovedError

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.cluster_queue import ClusterQueue
from reference_server.adapters.cluster_topology import Address, Topology
from reference_server.adapters.slot_owners import Range, SlotOwners
from tests.contracts.queue_contract import LIMIT
from tests.contracts.redis_keys_contract import MONTH_S
from tests.unit.server.fake_redis import Client, Server

A, B, C = (("node", port) for port in (7001, 7002, 7003))


class MemoryOwners:
    """A Document of slot_owners.py, and the epochs of what is in use."""

    def __init__(self) -> None:
        self.version = ""
        self.ranges: Sequence[Range] = []
        self.writes = 0
        self.in_use = ""
        self.switches = 0

    def epoch(self, identity: str) -> str:
        """See MongoEpochs."""
        if self.in_use != identity:
            self.in_use, self.switches = identity, self.switches + 1
        return str(self.switches)

    def load(self) -> tuple[str, Sequence[Range]]:
        return self.version, self.ranges

    def replace(self, version: str, new_version: str, ranges: Sequence[Range]) -> bool:
        if version != self.version:
            return False
        self.version, self.ranges = new_version, ranges
        self.writes += 1
        return True


class FakeCluster:
    """Three nodes, each with a third of the slots; `sends_to` is what a node believes of all slots."""

    def __init__(self) -> None:
        self.servers: dict[Address, Server] = {}
        for at, address in enumerate((A, B, C)):
            self.add(address, run_id=str(at) * 40)
        self.owners: list[Address] = [A] * 5461 + [B] * 5461 + [C] * 5462
        self.sends_to: dict[Address, Address] = {}
        self.commands: list[Address] = []
        """The node of each script or command with keys that was sent to one."""

    def add(self, address: Address, *, run_id: str) -> None:
        self.servers[address] = Server()
        self.servers[address].run_id = run_id

    def fail_over(self, dead: Address, promoted: Address) -> None:
        """Let a replica, which lost everything that its primary had, take the slots of the primary."""
        self.servers[dead].is_down = True
        self.add(promoted, run_id=str(len(self.servers)) * 40)
        self.owners = [promoted if owner == dead else owner for owner in self.owners]

    def reply(self) -> list[Any]:
        """Return what CLUSTER SLOTS answers."""
        shares = groupby(range(len(self.owners)), key=self.owners.__getitem__)
        ranges = [(owner, list(slots)) for owner, slots in shares]
        return [[slots[0], slots[-1], [host.encode(), port, b"id", []]] for (host, port), slots in ranges]


class NodeClient(Client):
    """A client of one node."""

    def __init__(self, cluster: FakeCluster, address: Address) -> None:
        super().__init__(cluster.servers[address])
        self._cluster = cluster
        self._at = address

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[:2] == ("CLUSTER", "SLOTS") and not self._of.is_down:
            return self._cluster.reply()
        return super().execute_command(*args, **options)

    def check(self, name: str, *rest: Any) -> None:
        if not self._of.is_down and (keys := _keys((name, *rest))):
            self._cluster.commands.append(self._at)
            self._require_here(keys)
        super().check(name, *rest)

    def _require_here(self, keys: Sequence[str]) -> None:
        slots = {key_slot(key.encode()) for key in keys}
        if len(slots) > 1:
            raise ClusterCrossSlotError("Keys in request don't hash to the same slot")
        slot = slots.pop()
        owner = self._cluster.sends_to.get(self._at, self._cluster.owners[slot])
        if owner != self._at:
            raise MovedError("{} {}:{}".format(slot, *owner))


def _keys(args: Sequence[Any]) -> Sequence[str]:
    if args[0] in ("EVALSHA", "EVAL"):
        return [str(key) for key in args[3 : 3 + args[2]]]
    return [str(args[1])] if args[0] == "DEL" else []


def cluster_queue(cluster: FakeCluster, owners: MemoryOwners, *, works: bool = True) -> ClusterQueue:
    """Return the queue of one process, after its first probe, which works if a node answers."""

    def connect(address: Address) -> redis.Redis:
        return NodeClient(cluster, address)

    def make_breaker(name: str) -> CircuitBreaker:
        return CircuitBreaker(name, failures_to_open=2)

    queue = ClusterQueue(
        Topology([A, B], connect), SlotOwners(owners, owners.epoch), make_breaker, limit=LIMIT, ttl_s=MONTH_S
    )
    assert queue.probe() is works
    return queue
