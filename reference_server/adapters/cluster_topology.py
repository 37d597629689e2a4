"""Which node of a Redis Cluster serves each slot, as far as this process knows.

redis-py's RedisCluster is not used. It connects when it is made, reads the topology again inside the request
that met a dead node, and sleeps for 250 ms if the cluster is down: each breaks a bound of this server. Its
parts that need no connection are used: the hash of a key, and the errors MOVED, ASK and TRYAGAIN.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import redis

from reference_server.adapters.cluster_keys import SLOTS

log = logging.getLogger(__name__)

Address = tuple[str, int]
Connect = Callable[[Address], redis.Redis]
DEFAULT_PORT = 6379
_URL = re.compile(r"(rediss?)\+cluster://((?:[^/@]*@)?)([^/?]*)(.*)")


class Topology:
    """The primary of each slot. Clients are made when they are needed, and connect on first use."""

    def __init__(self, seeds: Sequence[Address], connect: Connect) -> None:
        self._seeds = seeds
        self._connect = connect
        self._clients: dict[Address, redis.Redis] = {}
        self._replicas: set[Address] = set()
        self._primaries: list[Address | None] = [None] * SLOTS
        self._slots: dict[Address, list[int]] | None = None
        self._reply: Any = None
        self.errors: dict[Address, str] = {}
        """Why each node did not say who serves what, at the last refresh at which none did."""

    def primary(self, slot: int) -> Address | None:
        """Return the node that serves a slot; None if no node does."""
        return self._primaries[slot]

    def primaries(self) -> dict[Address, list[int]]:
        """Return every node that serves slots, with its slots."""
        if self._slots is None:
            self._slots = {}
            for slot, address in enumerate(self._primaries):
                if address is not None:
                    self._slots.setdefault(address, []).append(slot)
        return self._slots

    def client(self, address: Address) -> redis.Redis:
        """Return the client of a node."""
        if address not in self._clients:
            self._clients[address] = self._connect(address)
        return self._clients[address]

    def moved(self, slot: int, address: Address) -> None:
        """Note what a node has answered: another node serves this slot."""
        self._primaries[slot] = address
        self._slots, self._reply = None, None

    def refresh(self, avoid: Iterable[Address] = ()) -> bool:
        """Ask one node after another, those to avoid last, until one says who serves what.

        Return whether one did.
        """
        known = [*{*self.primaries(), *self._replicas, *self._seeds}]
        random.shuffle(known)  # a node that is cut off from the others has old news
        last, errors = set(avoid), dict[Address, str]()
        for address in sorted(known, key=last.__contains__):
            try:
                reply = self.client(address).execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
                self._learn(reply, address[0])
            except (redis.RedisError, ValueError) as error:
                log.debug("Redis at %s:%s does not say who serves what: %s", *address, error)
                errors[address] = str(error)
                continue
            return True
        self.errors = errors
        return False

    def _learn(self, reply: Any, asked: str) -> None:
        if (reply, asked) == self._reply:
            return
        self._primaries, self._replicas = parse_slots(reply, asked)
        self._slots, self._reply = None, (reply, asked)
        for gone in self._clients.keys() - {*self.primaries(), *self._replicas, *self._seeds}:
            del self._clients[gone]


def parse_slots(reply: Any, asked: str) -> tuple[list[Address | None], set[Address]]:
    """Return the primary of each slot, and all replicas, from a reply to CLUSTER SLOTS.

    A node that does not know its own address leaves it out: it is the one that was `asked`. Raise ValueError
    if no node serves any slot.
    """
    primaries: list[Address | None] = [None] * SLOTS
    replicas = set()
    for first, last, primary, *others in reply:
        primaries[first : last + 1] = [_address(primary, asked)] * (last - first + 1)
        replicas |= {_address(other, asked) for other in others}
    if not any(primaries):
        raise ValueError("no node serves any slot")
    return primaries, replicas


def _address(node: Sequence[Any], asked: str) -> Address:
    host, port = node[0], node[1]
    return (host.decode() if host else asked, int(port))


def split_url(url: str) -> tuple[list[Address], Callable[[Address], str]]:
    """Return the nodes of a cluster's URL, and a function that returns the URL of a single node."""
    scheme, credentials, hosts, rest = _URL.fullmatch(url).groups()  # type: ignore[union-attr]  # it is checked

    def single(address: Address) -> str:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{scheme}://{credentials}{host}:{address[1]}{rest}"

    return [_parsed(host) for host in hosts.split(",")], single


def _parsed(host_and_port: str) -> Address:
    parts = urlsplit(f"//{host_and_port}")
    return (parts.hostname or "", parts.port or DEFAULT_PORT)
