"""The generator's process, started and told what to do."""

from __future__ import annotations

import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import psutil

from benchmarks.capacity.orders import Order, Report, Setup
from benchmarks.servers import ROOT
from harness.errors import DeadlineMissed, HarnessError, ProcessDied, UsageError

SLACK_S = 60.0
"""How much longer than intended a step may take: users come in, and requests hang until they time out."""
_BYTES = 65_536


class Driver:
    """A context with the generator. Raise HarnessError for what ends it."""

    def __init__(self, setup: Setup, log: Path) -> None:
        self._setup, self._log = setup, log
        self._received = b""

    def __enter__(self) -> Driver:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.capacity.generator"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
            )
        self._say(self._setup)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def processes(self) -> list[psutil.Process]:
        """Return the generator's process."""
        return [psutil.Process(self._process.pid)]

    def step(self, order: Order, begin: Callable[[], None], end: Callable[[], None]) -> Report:
        """Make a step; call `begin` and `end` where its measured part begins and ends."""
        self._say(order)
        deadline_s = time.monotonic() + order.warm_up_s + order.measure_s + order.drain_s + SLACK_S
        while True:
            said = self._next(deadline_s)
            if said["event"] == "measuring":
                begin()
            elif said["event"] == "measured":
                end()
            elif said["event"] == "failed":
                kind = UsageError if said["exit_code"] == UsageError.exit_code else HarnessError
                raise kind(said["sentence"])
            else:
                return msgspec.convert(said["report"], Report)

    def _say(self, what: Setup | Order) -> None:
        if self._process.stdin is None:
            raise AssertionError("the generator was started with a pipe")
        try:
            self._process.stdin.write(msgspec.json.encode(what) + b"\n")
        except OSError as error:
            raise self._died() from error

    def _next(self, deadline_s: float) -> dict[str, Any]:
        """Return the next line that the generator says."""
        while b"\n" not in self._received:
            self._receive(deadline_s)
        line, _, self._received = self._received.partition(b"\n")
        said: dict[str, Any] = msgspec.json.decode(line)
        return said

    def _receive(self, deadline_s: float) -> None:
        if self._process.stdout is None:
            raise AssertionError("the generator was started with a pipe")
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline_s - time.monotonic())):
                raise DeadlineMissed("The load generator did not end its step in time.")
        data = self._process.stdout.read(_BYTES)
        if not data:
            raise self._died()
        self._received += data

    def _died(self) -> ProcessDied:
        status = self._process.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        return ProcessDied(f"The load generator ended with status {status}.", last_lines="\n".join(lines))
