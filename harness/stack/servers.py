"""The three services as processes: their command lines, and how each one shows that it is ready."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests

from harness.errors import InfrastructureError, ProcessDied
from harness.stack.canary import QUESTIONS, Address, ask_mongodb, look
from harness.stack.processes import Process
from harness.stack.waiting import free_port

PORT_ATTEMPTS = 5
READY_DEADLINE_S = 30.0
ALREADY_INITIALIZED = 23  # MongoDB's error code of a second replSetInitiate
SNAPSHOT = "dump.rdb"


class Server(Process):
    """A service on a port of 127.0.0.1, with its data in `folder` and its output in `log`.

    The port is chosen at the first start, again if somebody else takes it before the service does, and kept
    for every later start.
    """

    def __init__(
        self, name: str, command: Callable[[int], Sequence[str]], *, folder: Path, log: Path
    ) -> None:
        self._command_for = command
        self._port: int | None = None
        self._port_is_kept = False
        self.folder = folder
        super().__init__(name, [], log=log)

    @property
    def address(self) -> Address:
        """Where it listens."""
        if self._port is None:
            self._port = free_port()
        return ("127.0.0.1", self._port)

    def ready(self) -> bool:
        """Whether it answers as it should; raises OSError when it does not answer at all."""
        raise NotImplementedError

    def launch(self) -> None:
        """Start it without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.command = list(self._command_for(self.address[1]))
        super().launch()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        """Wait for a launched service, launching it on another port where it lost its own to somebody else.

        Raises ProcessDied or DeadlineMissed (30 s), each with its last lines.
        """
        for attempts_left in reversed(range(PORT_ATTEMPTS)):
            try:
                self.wait_until_ready(self.ready, deadline_s=READY_DEADLINE_S)
                break
            except ProcessDied:
                lost_its_port = "address already in use" in self.last_lines().lower()
                if self._port_is_kept or not lost_its_port or not attempts_left:
                    raise
            self.kill()
            self._port = None
            self.launch()
        self._port_is_kept = True


class Redis(Server):
    """redis-server or valkey-server, keeping nothing on disk unless `options` say otherwise."""

    def __init__(self, binary: Path, *, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        def command(port: int) -> list[str]:
            place = [
                "--bind",
                "127.0.0.1",
                "--port",
                str(port),
                "--dir",
                str(folder),
                "--dbfilename",
                SNAPSHOT,
            ]
            return [str(binary), *place, "--save", "", "--appendonly", "no", *options]

        super().__init__("redis-server", command, folder=folder, log=log)

    def ready(self) -> bool:
        """Whether it answers PING with PONG (it answers LOADING while it reads a snapshot)."""
        return look(self.address, QUESTIONS["redis"]).answer.startswith(b"+PONG")

    def save_snapshot(self, name: str) -> Path:
        """Have it write its data to disk now, and keep that under `name` for `restart_from`."""
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


class Mongod(Server):
    """mongod as the one member of a replica set: what majority writes and transactions need."""

    def __init__(self, binary: Path, *, folder: Path, log: Path, options: Sequence[str] = ()) -> None:
        def command(port: int) -> list[str]:
            place = ["--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(folder), "--nounixsocket"]
            small = [
                "--wiredTigerCacheSizeGB",
                "0.25",
                "--setParameter",
                "diagnosticDataCollectionEnabled=false",
            ]
            return [str(binary), "--replSet", "rs0", *place, *small, *options]

        super().__init__("mongod", command, folder=folder, log=log)
        self._initiated = False

    def ready(self) -> bool:
        """Whether it is PRIMARY; makes it one at its first start.

        Every question has a connection of its own, for a client that connected before the initiation never
        learns of it.
        """
        if not self._initiated:
            self._initiate()
        return bool(self._ask({"hello": 1}).get("isWritablePrimary"))

    def stop(self, *, deadline_s: float = 20.0) -> None:
        """SIGTERM, a checkpoint, the end."""
        super().stop(deadline_s=deadline_s)

    def _initiate(self) -> None:
        member = {"_id": 0, "host": "{}:{}".format(*self.address)}
        answer = self._ask({"replSetInitiate": {"_id": "rs0", "members": [member]}})
        if not answer.get("ok") and answer.get("code") != ALREADY_INITIALIZED:
            raise InfrastructureError(f"mongod did not become a replica set: {answer.get('errmsg', answer)}")
        self._initiated = True

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        return ask_mongodb(self.address, command)


class Toxiproxy(Server):
    """toxiproxy-server, without any proxy yet."""

    def __init__(self, binary: Path, *, folder: Path, log: Path) -> None:
        def command(port: int) -> list[str]:
            return [str(binary), "-host", "127.0.0.1", "-port", str(port)]

        super().__init__("toxiproxy-server", command, folder=folder, log=log)

    @property
    def url(self) -> str:
        """Where its control API is."""
        return "http://{}:{}".format(*self.address)

    def ready(self) -> bool:
        """Whether the control API answers; requests' errors are OSErrors."""
        with requests.Session() as session:
            session.trust_env = False  # HTTP_PROXY is for the world outside
            return bool(session.get(f"{self.url}/version", timeout=5).ok)
