"""Access to MongoDB: durable writes, bounded time, and a circuit breaker."""

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
"""How long an operation waits until the driver knows a primary."""
_SEARCH_STEP_S = 0.02
NO_REPLICA_SET = (
    "MongoDB is not a replica set, so no message would be durable: "
    "start mongod with --replSet rs0, and run rs.initiate() once"
)
NO_PRIMARY_HERE = (
    "MONGODB_URL has directConnection=true and the host is {state}, which accepts no writes: "
    "remove directConnection, so that the driver finds the primary"
)
NO_CONFIGURATION = "MongoDB is a replica set without a configuration: run rs.initiate() once"
OTHER_REPLICA_SET = (
    "MONGODB_URL has replicaSet={name}, but none of its hosts belongs to a replica set of that name"
)
_SHORTEST_S = 0.01
"""pymongo takes a timeout of 0 for no timeout."""
_STATES = {
    SERVER_TYPE.RSSecondary: "a secondary",
    SERVER_TYPE.RSArbiter: "an arbiter",
    SERVER_TYPE.RSOther: "starting or recovering",
    SERVER_TYPE.RSGhost: "without a replica set's configuration: run rs.initiate() once",
}
_NEVER_WRITABLE = {SERVER_TYPE.RSSecondary, SERVER_TYPE.RSArbiter}


def connect(url: str, timeout_ms: int) -> pymongo.MongoClient[Document]:
    """Return a client, which connects in the background. Overrule the URL's options about durability.

    With majority and journal, acked messages survive a killed mongod. The driver must not retry: it would
    repeat writes of unknown outcome unnoticed, and use up the time that a client waits.
    """
    return pymongo.MongoClient(
        url,
        connect=False,  # no look-up and no connection before the first operation
        w="majority",
        journal=True,
        retryWrites=False,
        retryReads=False,
        connectTimeoutMS=timeout_ms,
        heartbeatFrequencyMS=500,  # the driver sees a primary that is back within half a second
    )


class Mongo:
    """One database. An operation takes at most `timeout_s`, however many commands it has."""

    def __init__(
        self,
        client: pymongo.MongoClient[Document],
        database: str,
        breaker: CircuitBreaker,
        *,
        timeout_s: float,
    ) -> None:
        self._client = client
        # Explicit, because the URL provides what is missing here. A stale read would have lasting effects.
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
        """Return a collection whose reads may include writes that are not durable yet."""
        return self._database[name]

    def durable(self, name: str) -> Collection[Document]:
        """Return a collection whose reads include only what a killed mongod cannot lose."""
        return self._database[name].with_options(read_concern=ReadConcern("majority"))

    def confirmed(self, name: str) -> Collection[Document]:
        """Return a collection whose reads fail unless a majority confirms that no newer write was acked.

        For some seconds a primary that was cut off does not know that there is another one, and still answers
        majority reads: with what it had. A confirmed read costs as much as a write.
        """
        if self._is_alone():
            return self.durable(name)
        return self._database[name].with_options(read_concern=ReadConcern("linearizable"))

    def _is_alone(self) -> bool:
        """Return whether the replica set has one member, which alone is a majority.

        Its confirmed reads would wait for the next regular flush of the journal, up to 100 ms away.
        """
        servers = self._client.topology_description.server_descriptions().values()
        return any(
            server.server_type == SERVER_TYPE.RSPrimary and len(server.all_hosts) == 1 for server in servers
        )

    @property
    def is_sharded(self) -> bool:
        """Whether the server is connected to a `mongos`."""
        servers = self._client.topology_description.server_descriptions().values()
        return any(server.server_type == SERVER_TYPE.Mongos for server in servers)

    def probe(self) -> bool:
        """See Guarded. Use a confirmed read: a primary without its majority still answers all others."""
        try:
            self._await_server()
            with pymongo.timeout(self.timeout_s):
                self.confirmed("messages").find_one({"recipient": ""}, {"_id": 1})  # at one shard
        except Misconfigured as error:
            self.breaker.open(error)
            return False
        except errors.PyMongoError as error:
            log.debug("MongoDB probe failed: %s", error)
            return False
        return True

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Run the context with a time limit, behind the breaker. Raise StoreUnavailable.

        Only pymongo.timeout works for a mongod that answers hello and then stalls. gevent.Timeout must not be
        used: it could interrupt the driver's pool between taking a connection and returning it.
        """
        started_s = time.monotonic()
        if self.breaker.reason is not None:
            raise StoreUnavailable(f"MongoDB: {self.breaker.reason} (circuit breaker is open)")
        try:
            self._await_server()
            left_s = self.timeout_s - (time.monotonic() - started_s)
            with pymongo.timeout(max(left_s, _SHORTEST_S)):
                yield
        except errors.WaitQueueTimeoutError as error:  # our pool is busy: this is not a failure of MongoDB
            raise StoreUnavailable(f"MongoDB: every connection is in use: {error}") from error
        except Misconfigured as error:
            self.breaker.open(error)
            raise StoreUnavailable(f"MongoDB: {error}") from error
        except errors.PyMongoError as error:
            self.breaker.failed(error)
            raise StoreUnavailable(f"MongoDB: {error}") from error
        self.breaker.succeeded()

    def _await_server(self) -> None:
        """Wait until the driver knows a primary. Raise ServerSelectionTimeoutError, Misconfigured.

        The driver's own search has no exact limit: it goes on in steps of half a second, so a search limited
        to 0.45 s was seen to take 0.95 s.
        """
        deadline_s = time.monotonic() + min(_SEARCH_S, self.timeout_s)
        self._client._connect()  # starts the search; its result is in topology_description
        while not self._knows_a_primary():
            if time.monotonic() > deadline_s:
                if reason := self._misconfiguration():
                    raise Misconfigured(reason)
                raise errors.ServerSelectionTimeoutError(f"no primary is known{self._states_of_members()}")
            time.sleep(_SEARCH_STEP_S)

    def _knows_a_primary(self) -> bool:
        """Return whether a primary is known. Raise Misconfigured for a standalone mongod."""
        servers = self._client.topology_description.server_descriptions().values()
        types = {server.server_type for server in servers}
        if types & {SERVER_TYPE.RSPrimary, SERVER_TYPE.Mongos}:
            return True
        if SERVER_TYPE.Standalone in types:
            raise Misconfigured(NO_REPLICA_SET)
        return False

    def _misconfiguration(self) -> str:
        """Return why the URL or the replica set makes a primary impossible, or "" if it may still appear.

        Call this only after the search: a mongod that starts has no configuration, then is a secondary.
        """
        found = self._client.topology_description
        servers = found.server_descriptions().values()
        types = {server.server_type for server in servers}
        if found.topology_type == TOPOLOGY_TYPE.Single and types & _NEVER_WRITABLE:
            return NO_PRIMARY_HERE.format(state=_STATES[types.pop()])
        if types == {SERVER_TYPE.RSGhost}:  # one of several is a member that lost its disk and starts anew
            return NO_CONFIGURATION
        # The driver drops hosts of another set; with a single host it reports an error instead.
        is_other = any(isinstance(server.error, errors.ConfigurationError) for server in servers)
        if found.replica_set_name and (is_other or not servers):
            return OTHER_REPLICA_SET.format(name=found.replica_set_name)
        return ""

    def _states_of_members(self) -> str:
        """Return the state of each member, with the operating system's error."""
        servers = self._client.topology_description.server_descriptions().values()
        known = []
        for server in servers:
            state = server.error or _STATES.get(server.server_type, "not asked yet")
            known.append(f"{server.address[0]}:{server.address[1]}: {state}")
        return "".join(f"; {each}" for each in known)
