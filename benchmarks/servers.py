"""The servers of a run: the reference as people run it, and beside it a bare app on the same WSGI server."""

from __future__ import annotations

import secrets
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pymongo import MongoClient

from benchmarks.clients import Address, request
from benchmarks.machine import cpu_s
from harness.stack import Services, Target, start_server
from reference_server.auth import Tokens

ROOT = Path(__file__).parent.parent
REFERENCE = (sys.executable, "-m", "reference_server")
KEEP_ALIVE_S = "600"
"""On both sides longer than a figure takes on a busy machine: a closed connection would end it."""
BARE = (
    *(sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--keep-alive", KEEP_ALIVE_S),
    *("--worker-connections", "10000", "--log-level", "warning", "--no-control-socket"),
    *("--bind", "127.0.0.1:{port}", "benchmarks.bare_app:app"),
)
"""The WSGI server that the reference runs on, without anything of the reference: change both together."""
BARE_ANSWER = "BARE_ANSWER"
"""Names the file that the bare app answers `/bytes` with."""
WORKERS = 2
"""The reference's default."""
UNLIMITED = "1000000"
_DAY_S = 86_400


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    process: Target
    workers: int

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self.process.address

    def processes(self) -> list[psutil.Process]:
        """Return its processes: the master, then its workers."""
        return [psutil.Process(self.process.pid), *self.process.children()]

    def cpu_s(self) -> float:
        """Return the seconds of CPU time that its processes have used."""
        return cpu_s(self.processes())


@dataclass(frozen=True)
class Reference(Server):
    """The reference server, or the one that is measured in its place, with a database of its own."""

    database: str
    mongodb_url: str
    secret: str = field(repr=False)

    def add_users(self, names: Sequence[str]) -> dict[str, str]:
        """Add users, and return a token of each by name.

        Past the endpoints: hashing thousands of passwords would take longer than what is measured.
        """
        with MongoClient[dict[str, Any]](self.mongodb_url) as client:
            users = client[self.database]["users"]
            users.insert_many([{"_id": name, "password_hash": "*"} for name in names])
        tokens = Tokens(self.secret, _DAY_S)
        return {name: tokens.issue(name).token for name in names}

    def store(self, documents: Iterable[dict[str, Any]]) -> None:
        """Insert documents of messages past the endpoints."""
        with MongoClient[dict[str, Any]](self.mongodb_url) as client:
            client[self.database]["messages"].insert_many(documents, ordered=False)


def sending(token: str, recipient: str, content: str) -> bytes:
    """Return the request that sends a message, with an id of the sender's as clients should give."""
    body = {"to_username": recipient, "content": content, "client_message_id": str(uuid.uuid4())}
    return request("POST", "/api/users/messages", token=token, body=body)


def polling(token: str, mailbox: str, query: str) -> bytes:
    """Return the request that polls a mailbox."""
    return request("GET", f"/api/users/messages/poll/{mailbox}?{query}", token=token)


class Site:
    """The servers of a run: its own ones, and shared ones, which end with the context.

    `command` is that of the server to measure; `logs` is a folder for the output of all.
    """

    def __init__(self, services: Services, logs: Path, command: Sequence[str] = REFERENCE) -> None:
        self.services = services
        self._logs = logs
        self._command = command
        self._running = ExitStack()
        self._reference: Reference | None = None
        self._bare: dict[int, Server] = {}

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all servers; who asks for one then gets a new one."""
        self._reference, self._bare = None, {}
        self._running.close()

    def stores(self) -> list[psutil.Process]:
        """Return the processes of the stores that are ours."""
        ours = filter(None, (self.services.redis, self.services.mongod))
        return [psutil.Process(store.pid) for store in ours]

    def shared_reference(self) -> Reference:
        """Return the server to measure; figures share it."""
        if self._reference is None:
            self._reference = self._running.enter_context(self.reference())
        return self._reference

    def shared_bare(self, *, workers: int = WORKERS) -> Server:
        """Return the bare app with so many workers; figures share it."""
        if workers not in self._bare:
            self._bare[workers] = self._running.enter_context(self.bare(workers=workers))
        return self._bare[workers]

    def set_bare_answer(self, answer: bytes) -> None:
        """Set what the bare app answers `/bytes` with, until the run ends; it reads that once."""
        self._answer.write_bytes(answer)

    @property
    def _answer(self) -> Path:
        return self._logs / "bare-answer.json"

    @contextmanager
    def reference(self, *, workers: int = WORKERS, redis_url: str = "") -> Iterator[Reference]:
        """Run a server with a new database until the context ends; `redis_url` leads to its Redis."""
        database, secret = f"bench_{secrets.token_hex(6)}", secrets.token_hex(32)
        mongodb_url = self.services.mongodb_direct_url
        env = {
            "PORT": "{port}",
            "WORKERS": str(workers),
            "SECRET_KEY": secret,
            "REDIS_URL": redis_url or self.services.redis_direct_url,
            "MONGODB_URL": mongodb_url,
            "MONGODB_DATABASE": database,
            "KEEP_ALIVE_SECONDS": KEEP_ALIVE_S,
            # A run sends as fast as it can, from one address.
            "SENDS_PER_SENDER": UNLIMITED,
            "SENDS_PER_ADDRESS": UNLIMITED,
        }
        with _dropped(mongodb_url, database), self._started(self._command, "/health/ready", env) as process:
            yield Reference(process, workers, database, mongodb_url, secret)

    @contextmanager
    def bare(self, *, workers: int = WORKERS) -> Iterator[Server]:
        """Run the bare app until the context ends."""
        command = [*BARE[:3], "--workers", str(workers), *BARE[3:]]
        with self._started(command, "/json", {BARE_ANSWER: str(self._answer)}) as process:
            yield Server(process, workers)

    @contextmanager
    def _started(self, command: Sequence[str], ready_path: str, env: Mapping[str, str]) -> Iterator[Target]:
        log = self._logs / f"server-{time.monotonic_ns()}.log"
        process = start_server(command, ready_path=ready_path, env=env, cwd=ROOT, log=log, deadline_s=60.0)
        try:
            yield process
        finally:
            process.stop()


@contextmanager
def _dropped(mongodb_url: str, database: str) -> Iterator[None]:
    """Remove a database in the end: a MongoDB that is not ours would keep it."""
    try:
        yield
    finally:
        with MongoClient[dict[str, Any]](mongodb_url, timeoutMS=10_000) as client:
            client.drop_database(database)
