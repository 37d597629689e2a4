"""The three services as processes: their command lines, and how each one shows that it is ready."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from harness.errors import InfrastructureError
from harness.stack.disk import Disk
from harness.stack.faketime import FakeClock
from harness.stack.probe import QUESTIONS, ask_mongodb, look
from harness.stack.server_process import HOST, ServerProcess

ALREADY_INITIALIZED = 23  # MongoDB's error code of a second replSetInitiate
SNAPSHOT = "dump.rdb"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class StoreProcess(ServerProcess):
    """A store that keeps its data in `folder`."""

    folder: Path
    disk: Disk | None = None
    """From its next start: a disk that can be broken."""
    clock: FakeClock | None = None
    """From its next start: a clock that can be set."""
    more_options: Sequence[str] = ()
    """From its next start: what is added to its command."""

    def launch(self) -> None:
        """See ServerProcess. What is on its disk now counts as synced."""
        if self.disk is not None:
            self.disk.begin()
        self.under = self.disk.words if self.disk is not None else []
        self._extra_env = dict(self.clock.env) if self.clock is not None else {}
        super().launch()

    def words(self) -> list[str]:
        """See ServerProcess."""
        return [*super().words(), *self.more_options]

    def make_ordinary(self) -> None:
        """Kill it if it runs in another way than usually; its next start is an ordinary one."""
        if self.disk is not None or self.clock is not None or self.more_options:
            self.kill()
            self.disk = self.clock = None
            self.more_options = ()


class Redis(StoreProcess):
    """redis-server or valkey-server, keeping nothing on disk unless `options` say otherwise."""

    def __init__(self, binary: Path, *, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        at_once = ["--repl-diskless-sync-delay", "0"]
        place = ["--bind", HOST, "--port", "{port}", "--dir", str(folder), "--dbfilename", SNAPSHOT]
        nothing_kept = ["--save", "", "--appendonly", "no"]
        super().__init__("redis-server", [str(binary), *place, *nothing_kept, *at_once, *options], log=log)
        self.folder = _made(folder)

    def ready(self) -> bool:
        """Return whether it answers PING with PONG (it answers LOADING while it reads a snapshot)."""
        return look(self.address, QUESTIONS["redis"]).answer.startswith(b"+PONG")

    def follows(self) -> bool:
        """Return whether it is a replica that is connected to its primary."""
        return b"master_link_status:up" in look(self.address, b"INFO replication\r\n").answer

    def save_snapshot(self, name: str) -> Path:
        """Have it write its data to disk now, and keep them under `name` for `restart_from`."""
        answer = look(self.address, b"SAVE\r\n", timeout_s=10).answer
        if not answer.startswith(b"+OK"):
            raise InfrastructureError(
                f"redis-server did not save a snapshot: {answer.decode(errors='replace')}"
            )
        return (self.folder / SNAPSHOT).rename(self.folder / f"{name}.rdb")

    def restart_from(self, snapshot: Path | None) -> None:
        """Kill it, and start it with the data of `snapshot` (of `save_snapshot`); empty if None."""
        self.kill()
        (self.folder / SNAPSHOT).unlink(missing_ok=True)
        if snapshot is not None:
            shutil.copy(snapshot, self.folder / SNAPSHOT)
        self.start()

    def flush(self) -> None:
        """Delete every key."""
        answer = look(self.address, b"FLUSHALL\r\n", timeout_s=5).answer
        if not answer.startswith(b"+OK"):
            raise InfrastructureError(
                f"redis-server did not flush: {answer.decode(errors='replace') or 'no answer'}"
            )


class Mongod(StoreProcess):
    """mongod as the one member of a replica set: what majority writes and transactions need."""

    def __init__(self, binary: Path, *, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        place = ["--bind_ip", HOST, "--port", "{port}", "--dbpath", str(_made(folder)), "--nounixsocket"]
        small = "--wiredTigerCacheSizeGB 0.25 --setParameter diagnosticDataCollectionEnabled=false"
        command = [str(binary), "--replSet", "rs0", *place, *small.split(), *options]
        super().__init__("mongod", command, log=log)
        self.folder = folder
        self._initiated = False

    def ready(self) -> bool:
        """Whether it is PRIMARY; makes it one at its first start.

        Every question uses a new connection: a client that connected before the initiation never learns of
        it.
        """
        if not self._initiated:
            self._initiate()
        return bool(self._ask({"hello": 1}).get("isWritablePrimary"))

    def stop(self, *, deadline_s: float = 20.0) -> bool:
        """SIGTERM, a checkpoint, the end."""
        return super().stop(deadline_s=deadline_s)

    def _initiate(self) -> None:
        member = {"_id": 0, "host": "{}:{}".format(*self.address)}
        answer = self._ask({"replSetInitiate": {"_id": "rs0", "members": [member]}})
        if not answer.get("ok") and answer.get("code") != ALREADY_INITIALIZED:
            raise InfrastructureError(f"mongod did not become a replica set: {answer.get('errmsg', answer)}")
        self._initiated = True

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        return ask_mongodb(self.address, command)


class Toxiproxy(ServerProcess):
    """toxiproxy-server; it starts without any proxy."""

    def __init__(self, binary: Path, *, log: Path) -> None:
        super().__init__("toxiproxy-server", [str(binary), "-host", HOST, "-port", "{port}"], log=log)

    @property
    def url(self) -> str:
        """Where its control API is."""
        return "http://{}:{}".format(*self.address)

    def ready(self) -> bool:
        """Return whether the control API answers; requests' errors are OSErrors."""
        with requests.Session() as session:
            session.trust_env = False  # HTTP_PROXY is for the world outside
            return bool(session.get(f"{self.url}/version", timeout=5).ok)
