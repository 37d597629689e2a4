"""Runs of rows against one target after the other, on services that are started once."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.edge.lane import OUTPUT
from tests.edge.running_rows import DEADLINE_S, ROOT, results_in

ENDS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Judged:
    """How a run ended: its exit code, what it printed, and its rows by their ids, those of a second try."""

    exit_code: int
    said: str
    rows: dict[str, dict[str, Any]]


class Lane:
    """A harness in a process of its own, which starts with the first run. The services' logs go to `logs`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._process: subprocess.Popen[str] | None = None

    def run(self, target: Path, reports: Path, *rows: str) -> Judged:
        """Run those of the rows that suit the target.

        Raise TimeoutError, and ConnectionError where the process has ended.
        """
        if self._process is None:
            words = [sys.executable, "-m", "tests.edge.lane", str(self._logs)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, encoding="utf-8")
        reports.mkdir(parents=True, exist_ok=True)
        line = json.dumps([str(target), rows, str(reports)])
        exit_code = int(_answer(self._process, line))
        return Judged(exit_code, (reports / OUTPUT).read_text(encoding="utf-8"), results_in(reports))

    def __enter__(self) -> Lane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process with its services."""
        if self._process is None:
            return
        try:
            self._process.communicate(timeout=ENDS_WITHIN_S)  # closes its input
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.communicate()


def _answer(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    if not ready:
        raise TimeoutError(f"{line} took more than {DEADLINE_S} s")
    if not (answer := process.stdout.readline()):
        raise ConnectionError(f"the lane ended with {process.wait()} before {line} was over")
    return answer
