"""The benchmark as people run it, small: its file, its exit code, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks import results
from harness.stack import wait_until
from harness.verdict import EXIT_CODES, Verdict

ROOT = Path(__file__).parents[2]
SLOW = "{python} tests/edge/programs/slow_polls.py"
FIGURE = "idle_poll_cpu_ratio"
MARK = "BENCH_TEST"
DEADLINE_S = 150

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("services"), pytest.mark.timeout(DEADLINE_S + 30)]


class Started:
    """A benchmark that was started; whatever it starts has its mark in the environment."""

    def __init__(self, reports: Path, words: Sequence[str]) -> None:
        self.mark = secrets.token_hex(8)
        command = [sys.executable, "-m", "benchmarks", "--quick", "--reports", str(reports), *words]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def end(self) -> tuple[int, str, str]:
        """Wait until it ends; return the exit code and what it printed."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out, err

    def running(self) -> list[psutil.Process]:
        """Return what it has started and what still runs, itself included."""
        return [process for process in psutil.process_iter() if self._has_mark(process)]

    def _has_mark(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark
        except psutil.Error:
            return False


def bench(reports: Path, *words: str) -> tuple[int, str, str]:
    started = Started(reports, words)
    ended = started.end()
    assert started.running() == []
    return ended


def test_one_figure_is_measured_written_and_compared_with_itself(tmp_path: Path) -> None:
    code, out, err = bench(tmp_path, "--only", FIGURE)
    written: dict[str, Any] = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert code == EXIT_CODES[Verdict(written["verdict"])], out + err
    (figure,) = written["figures"]
    assert figure["name"] == FIGURE
    assert figure["value"]["rounds"] == 5
    assert 0.5 < figure["value"]["median"] < 10
    assert 50 < figure["floor"] < 5_000  # microseconds
    assert figure["beside"]["wall_us"] > 0
    assert written["environment"]["packages"]["gunicorn"]
    assert FIGURE in out
    same, out, _ = bench(tmp_path, "--compare", *[str(tmp_path / "bench.json")] * 2)
    assert (same, "same" in out) == (0, True)


def test_a_server_whose_polls_cost_more_misses_the_bound_and_is_worse(tmp_path: Path) -> None:
    assert bench(tmp_path / "slow", "--only", FIGURE, "--command", SLOW)[0] in (1, 3)
    (figure,) = results.read(tmp_path / "slow" / "bench.json").figures
    assert figure.subject > figure.floor + 5_000
    assert figure.value.median > 2 * figure.bound
    assert figure.verdict is (Verdict.INCONCLUSIVE if figure.is_busy else Verdict.FAIL), figure.reason


def test_a_server_that_cannot_be_started_is_wrong_usage(tmp_path: Path) -> None:
    code, out, err = bench(tmp_path, "--only", FIGURE, "--command", "{python} -c pass")
    assert (code, out.strip()) == (2, "")
    assert "-c pass` ended before it served" in err


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    started = Started(tmp_path, ["--only", "rest_cpu_percent"])
    wait_until(lambda: list((tmp_path / "logs" / "bench").glob("server-*")), deadline_s=60, what="a server")
    started.process.send_signal(signal.SIGTERM)
    code, _, err = started.end()
    assert code == 130
    assert "interrupted; everything it started has been ended" in err
    assert not (tmp_path / "bench.json").exists()
    wait_until(lambda: not started.running(), deadline_s=10, what="everything to end")
