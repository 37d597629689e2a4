"""Lanes: harnesses that run side by side, each running one row after the other on its own services."""

from __future__ import annotations

import json
import queue
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from harness.reports.record import RowResult, read_results
from tests.mutants.lane import Request

RUN_WITHIN_S = 300.0
ENDS_WITHIN_S = 20.0
MOST_RUNS = 25
"""On one set of services: each run leaves a database behind."""


class Lane:
    """One harness; its process starts with its first run. The services' logs go to `logs`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._process: subprocess.Popen[str] | None = None
        self._runs = 0
        self._is_over = False

    def run(self, request: Request) -> RowResult | None:
        """Run one row, whose results go to its own folder; return None if there are none."""
        if self._is_over:
            return None
        reports = Path(request.reports)
        reports.mkdir(parents=True, exist_ok=True)
        (reports / "results.json").unlink(missing_ok=True)
        if self._runs >= MOST_RUNS:
            self.renew()
        if self._process is None:
            self._process = self._start()
        if not self._answers(json.dumps(asdict(request))):
            self.renew()
        results = reports / "results.json"
        rows = {row.id: row for row in read_results(results).rows} if results.exists() else {}
        return rows.get(request.row)

    def renew(self) -> None:
        """End the harness with everything that it has started; the next run has new services."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.communicate(timeout=ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()  # its reaper ends what it has started
            process.communicate()

    def end(self) -> None:
        """Run nothing more."""
        self._is_over = True
        self.renew()

    def _start(self) -> subprocess.Popen[str]:
        self._runs = 0
        return subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.lane", str(self._logs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us: we end it
        )

    def _answers(self, line: str) -> bool:
        """Whether the run that this line requests ended as it should."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._runs += 1
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return False
        ready, _, _ = select.select([process.stdout], [], [], RUN_WITHIN_S)
        return bool(ready) and bool(process.stdout.readline())


class Lanes:
    """A number of lanes, each used by one run at a time."""

    def __init__(self, count: int, logs: Path) -> None:
        self._all = [Lane(logs / f"services-{number}") for number in range(1, count + 1)]
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in self._all:
            self._free.put(lane)

    @contextmanager
    def one(self) -> Iterator[Lane]:
        """Hold a lane that is not in use."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def end(self) -> None:
        """End what the lanes have started; nothing more is run."""
        for lane in self._all:
            lane.end()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.end()
