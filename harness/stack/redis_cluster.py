"""A Redis Cluster: three primaries that share the slots, each with a replica, on this machine.

It needs Redis 7 or newer, where the port of the cluster's bus can be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.retry import Retry

from harness.errors import InfrastructureError
from harness.stack.programs import Redis
from harness.stack.waiting import free_port, wait_until

PRIMARIES = 3
READY_WITHIN_S = 60.0
ANSWERS_WITHIN_S = 5.0
NODE_TIMEOUT_MS = 2000
"""Small, so that a row sees a failover: a replica takes over about 3 to 5 s after its primary died.

With half of it, nodes on a busy machine were taken for dead.
"""
_KEYS_AT_ONCE = 100


class ClusterNode(Redis):
    """A Redis in cluster mode."""

    def __init__(self, binary: Path, *, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        self.bus_port = free_port()
        settings = {
            "cluster-enabled": "yes",
            "cluster-port": "{bus}",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            # Otherwise all nodes refuse all commands as long as the slots of one have no primary.
            "cluster-require-full-coverage": "no",
            # A replica that was late would not take over: then only a person could bring the slots back.
            "cluster-replica-validity-factor": "0",
            # A replica is known to the cluster once it has received something: 10 s by default.
            "repl-ping-replica-period": "1",
            # With two replicas at one primary, none would move to a primary that has lost its own.
            "cluster-allow-replica-migration": "no",
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        super().__init__(binary, folder=folder, log=log, options=[*words, *options])
        self._given = list(self._words)

    def launch(self) -> None:
        """See ServerProcess. Another program may have taken the port of the bus, too."""
        if not self._port_is_kept:
            self.bus_port = free_port()
        self._words = [word.replace("{bus}", str(self.bus_port)) for word in self._given]
        super().launch()

    def ask(self, *words: str | int) -> Any:
        """Run a command. Raise InfrastructureError if the node refuses it or does not answer."""
        host, port = self.address
        try:
            with redis.Redis(
                host,
                port,
                socket_timeout=ANSWERS_WITHIN_S,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            ) as client:
                return client.execute_command(*words)
        except redis.RedisError as error:
            raise InfrastructureError(f"{self.name} at {host}:{port} refused {words[0]}: {error}.") from error

    @property
    def node_id(self) -> str:
        """Its id in the cluster."""
        return str(self.ask("CLUSTER", "MYID"))

    def role(self) -> str:
        """Return 'master' or 'slave'."""
        return str(self.ask("ROLE")[0])

    def is_giving_slots_away(self) -> bool:
        """Return whether one of its slots is on its way to another node."""
        return "->-" in str(self.ask("CLUSTER", "NODES"))

    def replicates(self, port: int) -> bool:
        """Return whether it is the replica of the node with this port."""
        role, *of = self.ask("ROLE")
        return bool(role == "slave" and of[1] == port)


class RedisCluster:
    """The nodes. The first three begin as primaries, the others as their replicas in the same order.

    `options` returns more words for the command of the node with a number, from 0 on.
    """

    def __init__(
        self,
        binary: Path,
        *,
        folder: Path,
        logs: Path,
        options: Callable[[int], Sequence[str]] = lambda at: (),
    ) -> None:
        self.nodes = [
            ClusterNode(
                binary,
                folder=folder / f"node-{at}",
                log=logs / f"redis-cluster-{at}.log",
                options=options(at),
            )
            for at in range(2 * PRIMARIES)
        ]

    @property
    def url(self) -> str:
        """The URL for a server under test: two of the nodes."""
        hosts = ("{}:{}".format(*node.address) for node in self.nodes[:2])
        return f"redis+cluster://{','.join(hosts)}/"

    def start(self) -> None:
        """Start all nodes and make them a cluster. Raise InfrastructureError."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        for at, (node, slots) in enumerate(zip(self.nodes, _shares(), strict=False)):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[-1])
        for at, node in enumerate(self.nodes):
            for other in self.nodes[:at]:
                node.ask("CLUSTER", "MEET", *other.address, other.bus_port)
        self._wait(lambda: all(self._knows_all(node) for node in self.nodes), "all nodes to know each other")
        primaries, replicas = self.nodes[:PRIMARIES], self.nodes[PRIMARIES:]
        for primary, replica in zip(primaries, replicas, strict=True):
            replica.ask("CLUSTER", "REPLICATE", primary.node_id)
        self._wait(self.is_complete, "the cluster to be complete")

    def kill(self) -> None:
        """End every node at once."""
        for node in self.nodes:
            node.kill()

    def is_complete(self) -> bool:
        """Return whether every node sees every slot served and replicated, and every replica follows."""
        running = [node for node in self.nodes if node.running]
        if not all("cluster_state:ok" in str(node.ask("CLUSTER", "INFO")) for node in running):
            return False
        shards = [node.ask("CLUSTER", "SLOTS") for node in running]
        return all(
            sum(last - first + 1 for first, last, *_ in shard) == REDIS_CLUSTER_HASH_SLOTS
            and all(len(serving) > 1 for _, _, *serving in shard)
            for shard in shards
        ) and all(node.follows() for node in running if node.role() == "slave")

    def serves(self) -> bool:
        """Return whether every slot has a primary that runs."""
        try:
            served = self._any().ask("CLUSTER", "SLOTS")
        except InfrastructureError:
            return False
        slots = sum(last - first + 1 for first, last, *_ in served)
        return slots == REDIS_CLUSTER_HASH_SLOTS and all(
            self._at(serving[0][1]).running for _, _, *serving in served
        )

    def await_serving(self) -> None:
        """Wait until every slot has a primary that runs."""
        self._wait(self.serves, "every slot to be served")

    def rejoin(self) -> None:
        """Start the nodes that have ended, and wait until the cluster is complete."""
        for node in self.nodes:
            if not node.running:
                node.start()
        self._wait(self.is_complete, "the cluster to be complete")

    def replica_of(self, primary: ClusterNode) -> ClusterNode:
        """Return the replica of a primary."""
        port = primary.address[1]
        return next(node for node in self.nodes if node.running and node.replicates(port))

    def primary_of(self, mailbox: str) -> ClusterNode:
        """Return the node that serves a mailbox. Raise InfrastructureError if none does."""
        slot = slot_of(mailbox)
        for first, last, (_, port, *_), *_ in self._any().ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return self._at(port)
        raise InfrastructureError(f"no node of the Redis Cluster serves slot {slot}")

    def primaries(self) -> list[ClusterNode]:
        """Return the nodes that serve slots."""
        ports = {serving[0][1] for _, _, *serving in self._any().ask("CLUSTER", "SLOTS")}
        return [node for node in self.nodes if node.address[1] in ports]

    @contextmanager
    def moving(self, slot: int, source: ClusterNode, target: ClusterNode) -> Iterator[None]:
        """Have a slot on its way while the context lasts: its keys have moved, its owner has not yet."""
        if source is target:
            raise ValueError(f"slot {slot} is there already")
        source_id, target_id = source.node_id, target.node_id
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        self._migrate(slot, source, target)
        try:
            yield
        finally:
            self._migrate(slot, source, target)
            others = [node for node in self.primaries() if node not in (target, source)]
            for node in (target, source, *others):
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    def _migrate(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, _KEYS_AT_ONCE):
            timeout_ms = int(ANSWERS_WITHIN_S * 1000)
            source.ask("MIGRATE", *target.address, "", 0, timeout_ms, "KEYS", *keys)

    def _knows_all(self, node: ClusterNode) -> bool:
        lines = str(node.ask("CLUSTER", "NODES")).splitlines()
        known = [line for line in lines if " connected" in line and "handshake" not in line]
        return len(known) == len(lines) == len(self.nodes)

    def _any(self) -> ClusterNode:
        return next(node for node in self.nodes if node.running)

    def _at(self, port: int) -> ClusterNode:
        return next(node for node in self.nodes if node.address[1] == port)

    def _wait(self, seen: Callable[[], bool], what: str) -> None:
        wait_until(seen, deadline_s=READY_WITHIN_S, what=what)


def slot_of(mailbox: str) -> int:
    """Return the slot of a mailbox's queue, `messages:{username}`."""
    return key_slot(f"messages:{mailbox}".encode())


def _shares() -> Sequence[range]:
    """Return the slots of each primary."""
    cuts = [REDIS_CLUSTER_HASH_SLOTS * at // PRIMARIES for at in range(PRIMARIES + 1)]
    return [range(low, high) for low, high in pairwise(cuts)]
