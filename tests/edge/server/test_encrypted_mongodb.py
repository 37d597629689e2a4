"""A MongoDB that speaks TLS alone and asks for a password, by the name of its host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure, PyMongoError

from harness.stack import Services
from harness.stack.server_process import HOST, ServerProcess
from harness.stack.waiting import free_port, wait_until
from tests.edge.server.encrypted import NAME, Authority, chatting
from tests.edge.server.process import ready, target

ONE_WORKER = {"WORKERS": "1", "REDIS_TIMEOUT_MS": "5000"}
USER = {"createUser": "chat", "pwd": "p%w", "roles": [{"role": "readWriteAnyDatabase", "db": "admin"}]}


class EncryptedMongod(ServerProcess):
    """The only member of a replica set; the set knows it by name."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.authority = Authority(folder)
        certificate = self.authority.issue(NAME).both
        key, data = folder / "key", folder / "data"
        key.write_text("A key of at least six characters".replace(" ", "+"), encoding="utf-8")
        key.chmod(0o600)
        data.mkdir()
        place = ["--bind_ip", HOST, "--port", "{port}", "--dbpath", str(data), "--nounixsocket"]
        small = "--wiredTigerCacheSizeGB 0.25 --setParameter diagnosticDataCollectionEnabled=false"
        secret = [
            "--keyFile",
            str(key),
            "--tlsMode",
            "requireTLS",
            "--tlsCertificateKeyFile",
            str(certificate),
        ]
        trust = ["--tlsCAFile", str(self.authority.file), "--tlsAllowConnectionsWithoutCertificates"]
        command = [str(binary), "--replSet", "rs0", *place, *small.split(), *secret, *trust]
        super().__init__("mongod", command, log=folder / "mongod.log")

    @property
    def place(self) -> str:
        return f"{NAME}:{self.address[1]}"

    def url(self, *, password: str = "p%25w", trusted: bool = True) -> str:
        """The URL: its first host is not there."""
        hosts = f"{NAME}:{free_port()},{self.place}"
        trust = f"&tlsCAFile={self.authority.quoted}" if trusted else ""
        return f"mongodb://chat:{password}@{hosts}/?replicaSet=rs0&authSource=admin&tls=true{trust}"

    def ready(self) -> bool:
        """Make it a set with a user: until there is one, a client on the same machine may."""
        try:
            return bool(self._begun())
        except PyMongoError as error:
            raise ConnectionError(str(error)) from error

    def _begun(self) -> Any:
        one_answer = {"serverSelectionTimeoutMS": 2000, "directConnection": True}
        trust = {"tls": True, "tlsCAFile": str(self.authority.file)}
        with pymongo.MongoClient[dict[str, Any]](self.place, **one_answer, **trust) as client:
            if not client.admin.command("hello").get("setName"):
                members = [{"_id": 0, "host": self.place}]
                client.admin.command({"replSetInitiate": {"_id": "rs0", "members": members}})
            if client.admin.command("hello").get("isWritablePrimary"):
                try:
                    client.admin.command(USER)
                except OperationFailure as error:
                    return error.code == 13  # there is one
        return False


@pytest.fixture
def mongod(services: Services, tmp_path: Path) -> Iterator[EncryptedMongod]:
    if (binary := services.found["mongod"].binary) is None:
        pytest.skip("the MongoDB at MONGODB_URL is not ours: there is no program to start")
    mongod = EncryptedMongod(binary, tmp_path)
    try:
        mongod.start()
        yield mongod
    finally:
        mongod.kill()


def test_messages_are_stored_and_read(services: Services, mongod: EncryptedMongod, tmp_path: Path) -> None:
    with chatting(services, tmp_path, MONGODB_URL=mongod.url()) as (server, chat):
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="MongoDB to be used")
        assert chat.send().status == 200
        services.reset()  # what is read now is MongoDB's
        assert chat.read_all() == chat.acked


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "another"}, "Authentication failed"),
        ({"trusted": False}, "CERTIFICATE_VERIFY_FAILED"),
    ],
    ids=["password", "authority"],
)
def test_a_mongodb_that_does_not_let_in_or_is_not_trusted_is_away_and_the_log_says_why(
    services: Services, mongod: EncryptedMongod, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    server = target(services, tmp_path, **ONE_WORKER, MONGODB_URL=mongod.url(**wrong))
    server.start()
    try:
        wait_until(
            lambda: ready(server.base_url)["stores"]["mongodb"]["breaker"] == "open",
            deadline_s=20,
            what="MongoDB to be given up",
        )
        assert ready(server.base_url)["status"] == "degraded"
        log = server.log.read_text(encoding="utf-8")
        assert said in log
        assert "another" not in log
    finally:
        server.stop()
