"""The queue in a Redis Cluster: one RedisQueue for each node, and the way from a mailbox to its node.

Every node has its own breaker. While a node is out, MongoDB serves the mailboxes of its slots, no others.

While a slot is on its way from one node to another (ASK, TRYAGAIN), MongoDB serves those of its mailboxes
whose keys have left, or do not exist yet. To follow an ASK would be no use: the list has to be rebuilt at the
new node, which needs keys that do not exist yet, and a node refuses those until the slot is its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import redis
from redis.exceptions import AskError, MovedError, TryAgainError

from reference_server.adapters import cluster_keys
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.cluster_keys import slot_of
from reference_server.adapters.cluster_topology import Address, Topology
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.adapters.slot_owners import SlotOwners, Writer
from reference_server.errors import QueueUnavailable, StoreUnavailable
from reference_server.interfaces import Accepted, Cursor, Incomplete, Page, Rebuild, Untrusted
from reference_server.message import Message

T = TypeVar("T")
_HOPS = 4
"""Nodes that are asked for one command, at most: each answers at once where to go."""
_ANY_NUMBER = 1 << 20


class NodeQueue(RedisQueue):
    """The queue of the mailboxes at one node. Also raise AskError and TryAgainError."""

    _not_failures = (AskError, TryAgainError)

    def __init__(
        self,
        client: Any,
        breaker: CircuitBreaker,
        owners: SlotOwners,
        slots_here: Callable[[], Collection[int]],
        *,
        limit: int,
        ttl_s: int,
    ) -> None:
        super().__init__(client, breaker, lambda identity: "", limit=limit, ttl_s=ttl_s)
        self._owners = owners
        self._slots_here = slots_here

    def _note_push(self, recipient: str) -> None:
        pass  # ClusterQueue does: by now the slot may be at another node

    def _keys_of(self, recipient: str) -> list[str]:
        return cluster_keys.keys_of(recipient)

    def _probe_keys(self) -> list[str]:
        return cluster_keys.probe_keys(frozenset(self._slots_here()), random.randrange(_ANY_NUMBER))

    def _writer_of(self, recipient: str) -> Writer:
        return self._owners.writer(slot_of(recipient))

    def _found(self, recipient: str, identity: str) -> None:
        self._owners.take(slot_of(recipient), identity, self._slots_here())


@dataclass(eq=False)
class Node:
    """A node, and its breaker."""

    breaker: CircuitBreaker
    queue: NodeQueue
    works: bool = False
    """Whether its last probe worked."""


class ClusterBreaker:
    """The breakers of all nodes as one: open while one of them is, or while no node is known.

    `errors` returns why none is known, by the addresses that were asked.
    """

    def __init__(
        self, nodes: Callable[[], Collection[Node]], errors: Callable[[], Mapping[Address, str]]
    ) -> None:
        self._nodes = nodes
        self._errors = errors

    @property
    def is_open(self) -> bool:
        """See Breaker."""
        return self.reason is not None

    @property
    def reason(self) -> Exception | None:
        """See Breaker."""
        nodes = self._nodes()
        if not nodes:
            return none_answered(self._errors())
        return next((node.breaker.reason for node in nodes if node.breaker.is_open), None)

    def close(self) -> None:
        """See Breaker. Only those nodes are used again whose own probe worked."""
        for node in self._nodes():
            if node.works:
                node.breaker.close()


def none_answered(errors: Mapping[Address, str]) -> QueueUnavailable:
    """Return the error of a cluster of which no node is known, by what was met at each address."""
    said = [f"{host}:{port}: {why}" for (host, port), why in sorted(errors.items())]
    return QueueUnavailable("; ".join(["no node of the Redis Cluster has answered yet", *said]))


class ClusterQueue:
    """A MessageQueue. `make_breaker` returns the breaker of the node with this name."""

    pushes = 0
    """A cluster counts no notices, because a script may not use keys of other slots."""

    def __init__(
        self,
        topology: Topology,
        owners: SlotOwners,
        make_breaker: Callable[[str], CircuitBreaker],
        *,
        limit: int,
        ttl_s: int,
    ) -> None:
        self._topology = topology
        self._owners = owners
        self._make_breaker = make_breaker
        self._limits = {"limit": limit, "ttl_s": ttl_s}
        self._nodes: dict[Address, Node] = {}
        self._slots: dict[Address, list[int]] = {}
        self._pushed: dict[str, Writer] = {}
        """The mailboxes of the pushes since the last refresh, and where they went."""
        self._breaker = ClusterBreaker(lambda: tuple(self._nodes.values()), lambda: topology.errors)

    @property
    def breaker(self) -> ClusterBreaker:
        """See Guarded."""
        return self._breaker

    def probe(self) -> bool:
        """See Guarded. Probe every node; return whether one works."""
        self._topology.refresh(avoid=[at for at, node in self._nodes.items() if node.breaker.is_open])
        self._slots = self._topology.primaries()
        for gone in self._nodes.keys() - self._slots.keys():
            self._nodes.pop(gone).breaker.close()  # it serves nothing
        for address in self._slots:
            node = self._node(address)
            node.works = _works(node.queue)
        return any(node.works for node in tuple(self._nodes.values()))

    def refresh(self) -> Collection[str]:
        """See MessageQueue."""
        pushed, self._pushed = self._pushed, {}
        try:
            self._owners.refresh()
        except StoreUnavailable:
            self._pushed = pushed | self._pushed
            raise
        return [
            mailbox for mailbox, writer in pushed.items() if self._owners.writer(slot_of(mailbox)) != writer
        ]

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """See MessageQueue."""
        writer = self._owners.writer(slot_of(recipient))
        answer = self._at_its_node(recipient, lambda queue: queue.push(recipient, batch, claim))
        self._pushed[recipient] = writer
        return answer

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """See MessageQueue. A page has no `newest`: without a count, no head may be known."""
        found = self._at_its_node(recipient, lambda queue: queue.read(recipient, cursor, limit))
        return replace(found, newest=None) if isinstance(found, Page) else found

    def pubsub(self) -> Any:
        """Return a subscription at some node: each passes on all notices. Raise redis.ConnectionError."""
        working = [address for address, node in self._nodes.items() if node.works]
        if not working:
            raise redis.ConnectionError("no node of the Redis Cluster answers")
        return self._topology.client(random.choice(working)).pubsub()  # type: ignore[no-untyped-call]

    def _at_its_node(self, recipient: str, command: Callable[[NodeQueue], T]) -> T:
        """Run a command where the mailbox is. Raise what MessageQueue raises."""
        slot = slot_of(recipient)
        address = self._topology.primary(slot)
        if not self._topology.primaries():
            raise none_answered(self._topology.errors)
        if address is None:
            raise QueueUnavailable(f"no node of the Redis Cluster serves slot {slot}")
        queue = self._node(address).queue
        for _ in range(_HOPS):
            try:
                return command(queue)
            except MovedError as moved:
                address = (moved.host or address[0], moved.port)
                self._topology.moved(slot, address)
                queue = self._node(address).queue
            except (AskError, TryAgainError) as error:
                raise QueueUnavailable(f"slot {slot} is on its way to another node") from error
        raise QueueUnavailable(f"the nodes do not agree on who serves slot {slot}")

    def _node(self, address: Address) -> Node:
        if address not in self._nodes:
            breaker = self._make_breaker("{}:{}".format(*address))
            queue = NodeQueue(
                self._topology.client(address),
                breaker,
                self._owners,
                lambda: self._slots.get(address, ()),
                **self._limits,
            )
            self._nodes[address] = Node(breaker, queue)
        return self._nodes[address]


def _works(queue: NodeQueue) -> bool:
    """Return whether the probe of a node worked. A node that sends it elsewhere does answer."""
    try:
        return queue.probe()
    except (AskError, TryAgainError):
        return True
