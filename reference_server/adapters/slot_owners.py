"""Which Redis serves each slot of a cluster, as all workers agree on it through MongoDB.

It is to a slot what mongo_epochs.py is to a single Redis. A worker that finds a slot at another Redis than
its owner, after a failover or because the slot was moved, writes that down with a new epoch *before* it uses
the slot there. So every other worker learns within a step of its relay that the lists of this slot cannot be
trusted, even a worker that still reaches the former owner.

The cluster as a whole is to mongo_epochs.py what a single Redis is. So if a single Redis was used before,
after or beside the cluster, neither trusts what it holds from before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Protocol

from reference_server.adapters.cluster_keys import SLOTS
from reference_server.errors import StoreUnavailable

Writer = tuple[str, str]
"""The identity and the epoch of a slot's owner; both empty while it has none."""
Range = tuple[int, int, str, str]
"""The first and the last slot of consecutive ones with the same owner, its identity and epoch."""
UNKNOWN: Writer = ("", "")
CLUSTER = "Redis Cluster"
"""What is in use instead of the identity of a single Redis."""
_ATTEMPTS = 5


class Document(Protocol):
    """Where all workers keep the owners. Both methods raise StoreUnavailable."""

    def load(self) -> tuple[str, Sequence[Range]]:
        """Return the version of the owners, and the owners; without any, an empty version."""

    def replace(self, version: str, new_version: str, ranges: Sequence[Range]) -> bool:
        """Replace the owners, if they still have this version; return whether they had."""


class SlotOwners:
    """The owners as this process last read or wrote them. For `epoch_of` see mongo_epochs.py."""

    def __init__(self, document: Document, epoch_of: Callable[[str], str]) -> None:
        self._document = document
        self._epoch_of = epoch_of
        self._epoch = ""
        self._version = ""
        self._owners = [UNKNOWN] * SLOTS

    def writer(self, slot: int) -> Writer:
        """Return the owner of a slot; its epoch is that of the slot and that of the cluster."""
        identity, epoch = self._owners[slot]
        return (identity, f"{epoch} {self._epoch}") if identity else UNKNOWN

    def refresh(self) -> None:
        """Read what other workers have found. Raise StoreUnavailable."""
        self._epoch = self._epoch_of(CLUSTER)
        version, ranges = self._document.load()
        if version != self._version:
            self._version, self._owners = version, expanded(ranges)

    def take(self, slot: int, identity: str, same_node: Iterable[int]) -> None:
        """Note that a slot is served by the Redis with this identity.

        The slots at the same node that had the same owner as this one go with it: a failover is one write.
        Raise StoreUnavailable.
        """
        for _ in range(_ATTEMPTS):
            self.refresh()
            before = self._owners[slot]
            if before[0] == identity:
                return
            owners, epoch = list(self._owners), secrets.token_hex(8)
            for each in (slot, *same_node):
                if owners[each][0] == before[0]:
                    owners[each] = (identity, epoch)
            version = secrets.token_hex(8)
            if self._document.replace(self._version, version, compressed(owners)):
                self._version, self._owners = version, owners
                return
        raise StoreUnavailable("other workers are noting owners of slots at this moment")


def expanded(ranges: Iterable[Range]) -> list[Writer]:
    """Return the owner of each slot."""
    owners = [UNKNOWN] * SLOTS
    for first, last, identity, epoch in ranges:
        owners[first : last + 1] = [(identity, epoch)] * (last - first + 1)
    return owners


def compressed(owners: Sequence[Writer]) -> list[Range]:
    """Return the owners as ranges of consecutive slots."""
    ranges = []
    for owner, group in groupby(range(len(owners)), key=owners.__getitem__):
        slots = list(group)
        if owner != UNKNOWN:
            ranges.append((slots[0], slots[-1], *owner))
    return ranges
