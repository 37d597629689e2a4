"""A store's URL cannot undo what the server promises, and a MongoDB that can promise nothing is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

from harness.stack import Services
from harness.stack.finding import locate
from harness.stack.target_process import Target
from harness.stack.waiting import free_port, wait_until
from reference_server.adapters import mongo
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import NO_REPLICA_SET, Mongo
from tests.edge.server.process import Chat, ready, target
from tests.edge.server.test_start import refusal

HARMFUL = {
    "REDIS_URL": "decode_responses=True&encoding=utf-16&max_connections=1&socket_timeout=60&protocol=3",
    "MONGODB_URL": "readPreference=secondary&readConcernLevel=available&w=0&journal=false&retryWrites=true",
}


def with_parameters(url: str, more: str) -> str:
    return url + ("&" if "?" in url else "?") + more


@pytest.mark.parametrize(
    ("variable", "url", "sentence"),
    [
        ("MONGODB_URL", "mongodb://user:s3cr@t@127.0.0.1:1/", "must be escaped"),
        ("MONGODB_URL", "mongodb://127.0.0.1:1/?readPreferance=primary", "unknown parameter"),
        ("MONGODB_URL", "mongodb://a:1,b:1/?directConnection=true", "contradict each other"),
        ("MONGODB_URL", "mongodb://user@a:1/?authMechanism=SCRAM-SHA-256", "contradict each other"),
        ("MONGODB_URL", "mongodb://a:1/?tls=true&tlsCAFile=%2Fnowhere", "a file that cannot be read"),
        ("MONGODB_URL", "mongodb+srv://a.example:27017/", "contradict each other"),
        ("REDIS_URL", "redis://:s3cr@127.0.0.1:1/0?foo=1", "unknown parameter"),
        ("REDIS_URL", "redis://[::::]:1/0", "must be a URL like"),
        ("REDIS_URL", "redis://" + "ä" * 60 + "/0", "must be a URL like"),
        ("REDIS_URL", "rediss://127.0.0.1:1/0?ssl_keyfile=%2Fnowhere", "a file that cannot be read"),
    ],
)
def test_a_url_that_cannot_be_honoured_is_one_sentence(variable: str, url: str, sentence: str) -> None:
    said = refusal(**{variable: url})
    assert said.startswith(f"{variable} ")
    assert sentence in said
    assert "s3cr" not in said


def test_what_would_undo_a_promise_is_overruled(services: Services, tmp_path: Path) -> None:
    urls = {"REDIS_URL": services.redis_url, "MONGODB_URL": services.mongodb_url}
    harmful = {variable: with_parameters(url, HARMFUL[variable]) for variable, url in urls.items()}
    server = target(services, tmp_path, **harmful)
    server.start()
    try:
        chat = Chat(server.base_url)
        chat.wait_until_it_works_normally()
        chat.check_nothing_is_lost_doubled_or_reordered()
        chat.close()
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["messages", "users", "outbox", "queue", "registrations"])
def test_every_collection_is_read_from_the_primary_and_written_durably(name: str) -> None:
    client = mongo.connect(with_parameters("mongodb://127.0.0.1:1/", HARMFUL["MONGODB_URL"]), timeout_ms=100)
    database = Mongo(client, "chat", CircuitBreaker("MongoDB", 3), timeout_s=0.1)
    for collection in (database.collection(name), database.durable(name)):
        assert collection.read_preference == ReadPreference.PRIMARY
        assert collection.write_concern == WriteConcern("majority", j=True)
        assert not client.options.retry_writes
        assert not client.options.retry_reads
    assert database.collection(name).read_concern == ReadConcern()
    assert database.durable(name).read_concern == ReadConcern("majority")
    client.close()


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[str]:
    """The URL of a mongod that belongs to no replica set."""
    program = locate("mongod", install=False, say=lambda line: None).binary
    port = free_port()
    command = [str(program), "--dbpath", str(tmp_path), "--port", str(port), "--bind_ip", "127.0.0.1"]
    with (tmp_path / "mongod.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    yield f"mongodb://127.0.0.1:{port}/"
    process.terminate()
    process.wait(20)


@pytest.mark.parametrize("parameters", ["", "?directConnection=true"])
def test_a_mongodb_that_is_not_a_replica_set_is_told(
    services: Services, standalone: str, tmp_path: Path, parameters: str
) -> None:
    server: Target = target(services, tmp_path, MONGODB_URL=standalone + parameters)
    server.start()
    try:
        wait_until(
            lambda: ready(server.base_url)["stores"]["mongodb"].get("reason") == NO_REPLICA_SET,
            deadline_s=10,
            what="the readiness page to say why MongoDB cannot be used",
        )
        assert ready(server.base_url)["status"] == "degraded"
        log = server.log.read_text(encoding="utf-8").splitlines()
        said = [line for line in log if "MongoDB: circuit breaker" in line]
        assert all(NO_REPLICA_SET in line for line in said), said
        assert 1 <= len(said) <= 2, said  # one a worker
    finally:
        server.stop()


def test_the_log_names_a_member_that_cannot_be_reached(services: Services, tmp_path: Path) -> None:
    server = target(services, tmp_path, MONGODB_URL="mongodb://nobody.invalid:27017/?replicaSet=rs0")
    server.start()
    try:
        wait_until(
            lambda: "nobody.invalid:27017" in server.log.read_text(encoding="utf-8"),
            deadline_s=15,
            what="the host's name in the log",
        )
    finally:
        server.stop()
