"""The way to MongoDB: durable, bounded in time, behind a breaker."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern, errors
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.server_type import SERVER_TYPE
from pymongo.topology_description import TOPOLOGY_TYPE

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.errors import Misconfigured, StoreUnavailable

log = logging.getLogger(__name__)

Document = dict[str, Any]

_SEARCH_S = 0.4
"""How long an operation waits for a server to be known, before it is given up."""
_SEARCH_STEP_S = 0.02
NO_REPLICA_SET = (
    "MongoDB is not a replica set, so no message would be durable: "
    "start mongod with --replSet rs0, and run rs.initiate() once"
)
NO_PRIMARY_HERE = (
    "MONGODB_URL has directConnection=true and names {state}, which takes no writes: "
    "leave out directConnection, so that the primary is found"
)
NO_CONFIGURATION = "MongoDB is a replica set without a configuration: run rs.initiate() once"
OTHER_REPLICA_SET = (
    "MONGODB_URL says replicaSet={name}, but no MongoDB that it names belongs to a set of that name"
)
_SHORTEST_S = 0.01
"""To pymongo, a timeout of 0 would be none at all."""
_STATES = {
    SERVER_TYPE.RSSecondary: "a secondary",
    SERVER_TYPE.RSArbiter: "an arbiter",
    SERVER_TYPE.RSOther: "starting or recovering",
    SERVER_TYPE.RSGhost: "without a replica set's configuration: run rs.initiate() once",
}
_NEVER_WRITABLE = {SERVER_TYPE.RSSecondary, SERVER_TYPE.RSArbiter}


def connect(url: str, timeout_ms: int) -> pymongo.MongoClient[Document]:
    """Open a client. It connects in the background; what the URL says about durability is overruled.

    Majority and journal: what was acked survives a killed mongod. No retries by the driver: they would repeat
    a write of unknown outcome behind the server's back, and spend the time a client waits.
    """
    return pymongo.MongoClient(
        url,
        connect=False,  # nothing is looked up or connected to before the first operation
        w="majority",
        journal=True,
        retryWrites=False,
        retryReads=False,
        connectTimeoutMS=timeout_ms,
        heartbeatFrequencyMS=500,  # a primary that is back is seen within half a second
    )


class Mongo:
    """One database. An operation takes `timeout_s` at most, however many commands it consists of."""

    def __init__(
        self,
        client: pymongo.MongoClient[Document],
        database: str,
        breaker: CircuitBreaker,
        *,
        timeout_s: float,
    ) -> None:
        self._client = client
        # Said here, as a client takes from its URL what is not said: a stale read would be believed for ever.
        self._database = client.get_database(
            database,
            codec_options=CodecOptions(),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern(),
        )
        self.breaker = breaker
        self.timeout_s = timeout_s

    def collection(self, name: str) -> Collection[Document]:
        """Give a collection whose reads may see writes that are not durable yet."""
        return self._database[name]

    def durable(self, name: str) -> Collection[Document]:
        """Give a collection whose reads see only what a killed mongod cannot forget."""
        return self._database[name].with_options(read_concern=ReadConcern("majority"))

    def probe(self) -> bool:
        """See Guarded. A majority read: a primary cut off from its majority still answers a ping."""
        try:
            self._await_server()
            with pymongo.timeout(self.timeout_s):
                self.durable("messages").find_one({}, {"_id": 1})
        except Misconfigured as error:
            self.breaker.open(error)
            return False
        except errors.PyMongoError as error:
            log.debug("MongoDB probe failed: %s", error)
            return False
        return True

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Bound what is inside in time and put it behind the breaker. Raises StoreUnavailable.

        Only this bounds a mongod that answers hello and then stalls. Never gevent.Timeout: it would interrupt
        the driver's pool between taking a connection and giving it back.
        """
        started_s = time.monotonic()
        if self.breaker.reason is not None:
            raise StoreUnavailable(f"MongoDB: {self.breaker.reason} (circuit breaker is open)")
        try:
            self._await_server()
            left_s = self.timeout_s - (time.monotonic() - started_s)
            with pymongo.timeout(max(left_s, _SHORTEST_S)):
                yield
        except errors.WaitQueueTimeoutError as error:  # our pool is busy: says nothing about MongoDB
            raise StoreUnavailable(f"MongoDB: every connection is in use: {error}") from error
        except Misconfigured as error:
            self.breaker.open(error)
            raise StoreUnavailable(f"MongoDB: {error}") from error
        except errors.PyMongoError as error:
            self.breaker.failed(error)
            raise StoreUnavailable(f"MongoDB: {error}") from error
        self.breaker.succeeded()

    def _await_server(self) -> None:
        """Wait until the driver knows a primary. Raises ServerSelectionTimeoutError, Misconfigured.

        The driver's own search cannot be bounded well: it goes on in steps of half a second after any news,
        so a search limited to 0.45 s was seen to take 0.95 s.
        """
        deadline_s = time.monotonic() + min(_SEARCH_S, self.timeout_s)
        self._client._connect()  # starts the search; what it finds is in the description
        while not self._knows_a_primary():
            if time.monotonic() > deadline_s:
                if reason := self._misled():
                    raise Misconfigured(reason)
                raise errors.ServerSelectionTimeoutError(f"no primary is known{self._of_members()}")
            time.sleep(_SEARCH_STEP_S)

    def _knows_a_primary(self) -> bool:
        """Whether some server orders writes durably. A driver calls a single mongod writable, too."""
        servers = self._client.topology_description.server_descriptions().values()
        types = {server.server_type for server in servers}
        if types & {SERVER_TYPE.RSPrimary, SERVER_TYPE.Mongos}:
            return True
        if SERVER_TYPE.Standalone in types:
            raise Misconfigured(NO_REPLICA_SET)
        return False

    def _misled(self) -> str:
        """Why no waiting for a primary will help, as the URL or the set is not right; '' if it may.

        Asked only after the search: a mongod that starts is without its configuration, then a secondary.
        """
        found = self._client.topology_description
        servers = found.server_descriptions().values()
        types = {server.server_type for server in servers}
        if found.topology_type == TOPOLOGY_TYPE.Single and types & _NEVER_WRITABLE:
            return NO_PRIMARY_HERE.format(state=_STATES[types.pop()])
        if SERVER_TYPE.RSGhost in types:
            return NO_CONFIGURATION
        # The driver drops whoever belongs to another set, and of a single server it says so.
        is_other = any(isinstance(server.error, errors.ConfigurationError) for server in servers)
        if found.replica_set_name and (is_other or not servers):
            return OTHER_REPLICA_SET.format(name=found.replica_set_name)
        return ""

    def _of_members(self) -> str:
        """What the driver knows of each member, in the system's own words."""
        servers = self._client.topology_description.server_descriptions().values()
        known = []
        for server in servers:
            state = server.error or _STATES.get(server.server_type, "not asked yet")
            known.append(f"{server.address[0]}:{server.address[1]}: {state}")
        return "".join(f"; {each}" for each in known)
