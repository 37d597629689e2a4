"""A client that is a program: it prints one line of JSON for each message that it hands on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.polling_clients.drivers.told import Told
from harness.polling_clients.profile import Program
from harness.stack import Process

LOOK_AGAIN_S = 0.02
STOPS_WITHIN_S = 5.0


class ProgramClient:
    """One program. All methods are for the thread of the event loop.

    Raise UsageError when it cannot be started. A program that ends by itself later is judged by that.
    """

    def __init__(self, profile: Program, folder: Path, told: Told, log: Path) -> None:
        self.told = told
        self._profile = profile
        self._folder = folder
        self._log = log
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_bytes = 0

    @property
    def has_died(self) -> str:
        """How it ended, if it ended by itself; else ''."""
        process = self._process
        return process.how_it_ended() if process is not None and not process.running else ""

    @property
    def last_lines(self) -> str:
        """The last lines that it printed."""
        return self._process.last_lines() if self._process is not None else ""

    async def start(self, user: dict[str, str], base_url: str) -> None:
        """Start it for this user."""
        names = {"python": sys.executable, "base_url": base_url, **user}
        command = [word.format_map(names) for word in self._profile.command]
        # Python would else keep what it prints to a file until there is more of it.
        env = {"PYTHONUNBUFFERED": "1", **self._profile.env}
        self._process = Process("the client", command, log=self._log, env=env, cwd=self._folder)
        self._log.touch()
        self._read_bytes = self._log.stat().st_size
        self.told.did("start", user=user["username"])
        await asyncio.to_thread(self._process.launch)
        self._reading = asyncio.create_task(self._keep_reading())

    async def stop(self) -> None:
        """Send it SIGTERM, and wait until it has ended."""
        process = self._require()
        self._read()
        self.told.did("stop")
        await asyncio.to_thread(process.stop, deadline_s=STOPS_WITHIN_S)
        await self._end_reading()

    async def freeze(self, *, frozen: bool) -> None:
        """Let it sleep as on a laptop whose lid is closed, or wake it."""
        process = self._require()
        if frozen:
            await asyncio.to_thread(process.pause)
            self.told.did("freeze")
        else:
            self.told.did("resume")
            await asyncio.to_thread(process.resume)

    async def close(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            await asyncio.to_thread(self._process.kill)
        await self._end_reading()

    async def _end_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
            self._read()

    async def _keep_reading(self) -> None:
        while True:
            self._read()
            await asyncio.sleep(LOOK_AGAIN_S)

    def _read(self) -> None:
        """Record what it has printed in whole lines since the last time."""
        with self._log.open("rb") as output:
            output.seek(self._read_bytes)
            whole, _, _ = output.read().rpartition(b"\n")
        if whole:
            self._read_bytes += len(whole) + 1
            for event in delivered(whole):
                self.told.handed(str(event["id"]), content=event.get("content"), user=event.get("user"))

    def _require(self) -> Process:
        if self._process is None:
            raise UsageError("The client has not been started.")
        return self._process


def delivered(lines: bytes) -> Iterator[dict[str, Any]]:
    """Yield the messages that lines of output report; other lines are the program's own."""
    for line in lines.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        message = event.get("delivered", event) if isinstance(event, dict) else None
        if isinstance(message, dict) and isinstance(message.get("id"), str | int):
            yield message
