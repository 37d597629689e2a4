"""The stores behind a server, as its profile names them, each reached through a fault proxy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta

from harness.stack.probe import Address
from harness.typed import Record

OURS = ("redis", "mongodb")
"""Stores that the harness starts itself unless `upstream` or the environment names one."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ADDRESS = re.compile(r"(?P<host>[^\s:/]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_HIGHEST_PORT = 65_535
MOST_SENTINELS = 5


class Store(Record, frozen=True):
    """A store: where it is, and where the proxy in front of it listens."""

    upstream: str = ""
    """HOST:PORT of any TCP server; empty for the harness's own Redis or MongoDB."""
    port: Annotated[int, Meta(ge=0, le=_HIGHEST_PORT)] = 0
    """The proxy's port, for a server that has it hard-coded; 0: any free one."""
    sentinels: Annotated[int, Meta(ge=0, le=MOST_SENTINELS)] = 0
    """How many Redis Sentinels name the proxy of Redis to the server; 0: its URL names the proxy itself."""

    @property
    def address(self) -> Address:
        """Host and port of the upstream."""
        host, _, port = self.upstream.rpartition(":")
        return host.strip("[]"), int(port)


Stores = Mapping[str, Store]
DEFAULT_STORES: Stores = MappingProxyType({name: Store() for name in OURS})


def others(stores: Stores) -> list[str]:
    """Return the names of the stores that are neither Redis nor MongoDB."""
    return [name for name in stores if name not in OURS]


def services_for(stores: Stores) -> set[str]:
    """Return the names of the services that a run with these stores needs."""
    return {"toxiproxy"} | ({"redis"} & set(stores)) | ({"mongod"} if "mongodb" in stores else set())


def require_right(stores: Stores) -> None:
    """Raise ValueError, as the end of a sentence, for a name or an upstream that cannot be right."""
    for name, store in stores.items():
        place = f"at `stores.{name}`"
        if not _NAME.fullmatch(name):
            raise ValueError(f"the name {name!r} at `stores` must be lower-case letters, digits and `_`")
        if name in OURS and store.upstream:
            variable = "REDIS_URL" if name == "redis" else "MONGODB_URL"
            raise ValueError(f"{name} has no `upstream` {place}: set {variable} instead")
        if name != "redis" and store.sentinels:
            raise ValueError(f"only `stores.redis` can have `sentinels`, not {name!r}")
        if name not in OURS and not store.upstream:
            raise ValueError(f"missing required field `upstream` {place}: HOST:PORT of the store")
        found = _ADDRESS.fullmatch(store.upstream)
        if name not in OURS and not (found and 0 < int(found["port"]) <= _HIGHEST_PORT):
            raise ValueError(f"expected HOST:PORT, got {store.upstream!r} at `stores.{name}.upstream`")
