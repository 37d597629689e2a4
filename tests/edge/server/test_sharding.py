"""Whether MongoDB shards the collection of messages by recipient, with the indexes that the server creates.

There is no `mongos` to test with, so its part is played here: the commands that it would send to the config
server and to the shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure

from harness.stack import Services
from harness.stack.finding import locate
from harness.stack.programs import Mongod
from harness.stack.waiting import wait_until
from reference_server.adapters.mongo_store import SHARD_KEY, indexes

MAJORITY = {"w": "majority"}
Client = pymongo.MongoClient[dict[str, Any]]


class Part(Mongod):
    """A replica set of one that is a shard, or that keeps the cluster's configuration."""

    def __init__(self, binary: Path, name: str, folder: Path) -> None:
        role = "--configsvr" if name == "configuration" else "--shardsvr"
        super().__init__(binary, folder=folder / name, log=folder / f"{name}.log", options=[role])
        self._words[self._words.index("rs0")] = name
        self._set = name

    def _initiate(self) -> None:
        members = [{"_id": 0, "host": self.host}]
        is_config = {"configsvr": True} if self._set == "configuration" else {}
        self._ask({"replSetInitiate": {"_id": self._set, "members": members, **is_config}})
        self._initiated = True

    @property
    def host(self) -> str:
        return "{}:{}".format(*self.address)

    def client(self) -> Client:
        return pymongo.MongoClient(f"mongodb://{self.host}/?directConnection=true", timeoutMS=20_000)


class Cluster:
    """The configuration, one shard, and a database there."""

    def __init__(self, configuration: Client, shard: Client, host: str) -> None:
        self.shard, self.configuration = shard, configuration
        added = {"_configsvrAddShard": f"shard/{host}", "name": "shard", "writeConcern": MAJORITY}
        wait_until(lambda: configuration.admin.command(added)["ok"], deadline_s=20, what="the shard")
        made = configuration.admin.command("_configsvrCreateDatabase", "chat", writeConcern=MAJORITY)
        self._version = made["databaseVersion"]

    def shard_by(self, key: dict[str, Any], collection: str) -> object:
        """Shard a collection, and return its key. Raise OperationFailure."""
        self.shard.chat.command(
            "_shardsvrCreateCollection",
            collection,
            shardKey=key,
            databaseVersion=self._version,
            writeConcern=MAJORITY,
        )
        found = self.configuration.config.collections.find_one({"_id": f"chat.{collection}"})
        return found and found["key"]


@pytest.fixture(scope="module")
def cluster(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    program = locate("mongod", install=False, say=lambda line: None).binary
    if program is None:
        pytest.skip("MONGODB_URL names a MongoDB that runs already: there is no program to start another")
    folder = tmp_path_factory.mktemp("cluster")
    parts = [Part(program, name, folder) for name in ("configuration", "shard")]
    try:
        for part in parts:
            part.launch()
        for part in parts:
            part.await_ready()
        with parts[0].client() as configuration, parts[1].client() as shard:
            yield Cluster(configuration, shard, parts[1].host)
    finally:
        for part in parts:
            part.kill()


@pytest.mark.parametrize("kind", [1, "hashed"])
def test_messages_are_sharded_by_recipient_with_the_indexes_for_that(
    cluster: Cluster, kind: int | str
) -> None:
    name, key = f"messages_{kind}", {SHARD_KEY: kind}
    cluster.shard.chat[name].create_indexes([*indexes(sharded=True), pymongo.IndexModel(key)])
    assert cluster.shard_by(key, name) == key


def test_with_the_usual_indexes_mongodb_refuses_to_shard(cluster: Cluster) -> None:
    cluster.shard.chat.usual.create_indexes(indexes(sharded=False))
    with pytest.raises(OperationFailure, match=r"client_message_id.*proposed shard key"):
        cluster.shard_by({SHARD_KEY: 1}, "usual")
