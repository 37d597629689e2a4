"""The servers of a run: the reference as people run it, and beside it a bare app on the same WSGI server."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
BARE = (
    *(sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--keep-alive", "75"),
    *("--worker-connections", "10000", "--log-level", "warning", "--no-control-socket"),
    *("--bind", "127.0.0.1:{port}", "benchmarks.bare_app:app"),
)
"""The WSGI server that the reference runs on, without anything of the reference: change both together."""
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


def sending(token: str, recipient: str, content: str) -> bytes:
    """Return the request that sends a message, with an id of the sender's as clients should give."""
    body = {"to_username": recipient, "content": content, "client_message_id": secrets.token_hex(12)}
    return request("POST", "/api/users/messages", token=token, body=body)


def polling(token: str, mailbox: str, query: str) -> bytes:
    """Return the request that polls a mailbox."""
    return request("GET", f"/api/users/messages/poll/{mailbox}?{query}", token=token)


@dataclass(frozen=True)
class Site:
    """What servers are started with: real services, a folder for logs, the command of the measured one."""

    services: Services
    logs: Path
    command: Sequence[str] = REFERENCE

    @contextmanager
    def reference(self, *, redis_url: str = "") -> Iterator[Reference]:
        """Run the server with a new database until the context ends; `redis_url` is another Redis for it."""
        database, secret = f"bench_{secrets.token_hex(6)}", secrets.token_hex(32)
        mongodb_url = self.services.mongodb_direct_url
        env = {
            "PORT": "{port}",
            "WORKERS": str(WORKERS),
            "SECRET_KEY": secret,
            "REDIS_URL": redis_url or self.services.redis_direct_url,
            "MONGODB_URL": mongodb_url,
            "MONGODB_DATABASE": database,
            # A run sends as fast as it can, from one address.
            "SENDS_PER_SENDER": UNLIMITED,
            "SENDS_PER_ADDRESS": UNLIMITED,
        }
        with self._started(
            self.command, "/health/ready" if not redis_url else "/health/live", env
        ) as process:
            yield Reference(process, WORKERS, database, mongodb_url, secret)

    @contextmanager
    def bare(self, *, workers: int = WORKERS, answer: bytes = b"") -> Iterator[Server]:
        """Run the bare app; `answer` is what `/bytes` is answered with."""
        file = self.logs / f"bare-{secrets.token_hex(4)}.bytes"
        file.write_bytes(answer)
        command = [*BARE[:3], "--workers", str(workers), *BARE[3:]]
        with self._started(command, "/json", {"BARE_BYTES": str(file)}) as process:
            yield Server(process, workers)

    @contextmanager
    def _started(self, command: Sequence[str], ready_path: str, env: Mapping[str, str]) -> Iterator[Target]:
        log = self.logs / f"server-{time.monotonic_ns()}.log"
        process = start_server(command, ready_path=ready_path, env=env, cwd=ROOT, log=log, deadline_s=60.0)
        try:
            yield process
        finally:
            process.stop()
