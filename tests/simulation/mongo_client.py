"""A client of the MongoDB in memory: what the server uses of pymongo, and what mutants use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from pymongo import WriteConcern, errors
from pymongo.read_concern import ReadConcern
from pymongo.server_type import SERVER_TYPE
from pymongo.topology_description import TOPOLOGY_TYPE

from tests.simulation.hub import Hub
from tests.simulation.mongo_server import Document, MongoServer, WriteFailed
from tests.simulation.network import Errors, Network

Parts = tuple[Hub, Network, MongoServer]
DURABLE = WriteConcern("majority", j=True)
ERRORS = Errors(
    refused=lambda: errors.AutoReconnect("connection refused"),
    silent=lambda: errors.NetworkTimeout("timed out"),
)


class MongoClient:
    """A client that knows the primary."""

    def __init__(self, hub: Hub, network: Network, server: MongoServer) -> None:
        self._parts = (hub, network, server)
        hosts = [(f"mongodb{number}", 27017) for number in range(3)]
        primary = SimpleNamespace(
            server_type=SERVER_TYPE.RSPrimary, address=hosts[0], all_hosts=set(hosts), error=None
        )
        self.topology_description = SimpleNamespace(
            server_descriptions=lambda: {primary.address: primary},
            topology_type=TOPOLOGY_TYPE.ReplicaSetWithPrimary,
            replica_set_name="rs0",
        )

    def _connect(self) -> None:
        """Do nothing: it is connected."""

    def get_database(self, name: str, **options: Any) -> Database:
        """Return a database; its reads are local ones."""
        return Database(self._parts)


class Database:
    """The database."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __getitem__(self, name: str) -> Collection:
        return Collection(self._parts, name)

    def command(self, command: Document) -> Document:
        """Run a query, or a list of updates; return MongoDB's reply."""
        return self._query(command) if "find" in command else self._run_updates(command)

    def _query(self, command: Document) -> Document:
        """Find documents, in one batch."""
        found = Collection(
            self._parts, command["find"], majority=command["readConcern"].get("level") == "majority"
        ).find(command["filter"], sort=command["sort"].items(), limit=command["limit"])
        return {"ok": 1, "cursor": {"id": 0, "firstBatch": found}}

    def _run_updates(self, command: Document) -> Document:
        """Run updates in their order, up to the first that fails."""
        concern, updates = command["writeConcern"], command["updates"]
        collection = Collection(self._parts, command["update"], concern=WriteConcern(**concern))
        reply: Document = collection.write(
            f"update {_places(updates)}", lambda: self._update(command["update"], updates)
        )
        return reply if concern["w"] else {"ok": 1}

    def _update(self, name: str, updates: list[Document]) -> Document:
        for index, each in enumerate(updates):
            try:
                self._parts[2].update(name, each["q"], each["u"], upsert=each.get("upsert", False))
            except WriteFailed as failure:
                problem = {
                    "index": index,
                    "code": failure.code,
                    "errmsg": str(failure),
                    "keyPattern": failure.key,
                }
                return {"ok": 1, "n": index, "writeErrors": [problem]}
        return {"ok": 1, "n": len(updates)}


class Found(list[Document]):
    """What was found: a cursor that has all of it."""

    def batch_size(self, size: int) -> Found:
        """Return it: there are no batches."""
        return self


class Collection:
    """A collection. With `majority` it reads what is durable."""

    def __init__(
        self, parts: Parts, name: str, *, majority: bool = False, concern: WriteConcern = DURABLE
    ) -> None:
        self._hub, self._network, self._server = self._parts = parts
        self.name = name
        self.write_concern = concern
        self._majority = majority

    @property
    def read_concern(self) -> ReadConcern:
        """Return what its reads include."""
        return ReadConcern("majority" if self._majority else None)

    @property
    def database(self) -> Database:
        """Return its database."""
        return Database(self._parts)

    def with_options(self, read_concern: Any = None, write_concern: Any = None, **options: Any) -> Collection:
        """Return it with other options."""
        majority = (
            self._majority if read_concern is None else read_concern.level in ("majority", "linearizable")
        )
        concern = write_concern or self.write_concern
        return Collection(self._parts, self.name, majority=majority, concern=concern)

    # -- reads

    def find(
        self, where: Document, projection: Any = None, sort: Any = None, limit: int = 0
    ) -> list[Document]:
        """Return the documents that match."""
        what = f"find {self.name} {_brief(where)}"
        return Found(self._read(what, lambda: self._find(where, sort, limit)))

    def find_one(
        self, where: Document, projection: Any = None, sort: Any = None, hint: Any = None
    ) -> Document | None:
        """Return a document that matches, or None."""
        what = f"find_one {self.name} {_brief(where)}"
        return self._read(what, lambda: next(iter(self._find(where, sort, 1)), None))

    def _find(self, where: Document, sort: Any, limit: int) -> list[Document]:
        return self._server.find(self.name, where, majority=self._majority, sort=sort, limit=limit)

    def _read(self, what: str, effect: Callable[[], Any]) -> Any:
        return self._network.call(what, effect, writes=False)

    # -- writes

    def create_indexes(self, indexes: Iterable[Any], **options: Any) -> None:
        """Create indexes."""
        wanted = list(indexes)
        self.write("create_indexes", lambda: self._server.create_indexes(self.name, wanted))

    def insert_one(self, document: Document) -> None:
        """Insert a document. Raise DuplicateKeyError."""
        what = f"insert_one no. {document.get('seq')}"
        self.write(what, lambda: self._server.insert(self.name, dict(document)))

    def update_one(self, where: Document, change: Any, upsert: bool = False) -> None:
        """Change a document, or insert it. Raise DuplicateKeyError."""
        what = f"update_one {self.name} {_brief(where)}"
        self.write(what, lambda: self._server.update(self.name, where, change, upsert=upsert))

    def find_one_and_update(self, where: Document, change: Any, upsert: bool = False, **options: Any) -> Any:
        """Change a document, or insert it; return it as it is then."""
        what = f"find_one_and_update {self.name}"
        return self.write(what, lambda: self._server.update(self.name, where, change, upsert=upsert))

    def delete_one(self, where: Document) -> None:
        """Delete a document."""
        self.write(f"delete_one {self.name} {_brief(where)}", lambda: self._server.delete(self.name, where))

    def write(self, what: str, effect: Callable[[], Any]) -> Any:
        """Apply a write; if that is its concern, wait until it is durable. Raise DuplicateKeyError."""
        server, term, commit = self._server, self._server.term, [lambda: None]

        def applied() -> Any:
            try:
                return effect()
            finally:
                commit[0] = server.committing()
                if not server.lags:
                    commit[0]()

        try:
            answer = self._network.call(what, applied)
        except WriteFailed as failure:
            raise errors.DuplicateKeyError(str(failure), failure.code) from failure
        if server.lags and self.write_concern.document.get("w") == "majority":
            self._network.call(f"{what}: majority", commit[0])
            if server.term != term:
                raise errors.AutoReconnect("the primary has stepped down")
        return answer


def _brief(where: Document) -> str:
    """Return the part of a query that tells it from others."""
    if several := where.get("$or"):
        return ", ".join(f"{each['recipient']} {_brief(each)}" for each in several)
    return " ".join(f"{field}={value}" for field, value in where.items() if field != "recipient")


def _places(updates: list[Document]) -> str:
    """Return the places that an append names."""
    return ", ".join(
        f"{'no. ' if '_id' in each['q'] else 'after no. '}{each['q'].get('seq')}" for each in updates
    )
