"""The search for a server's capacity on real parts: a generator's process, HTTP, a server with a limit."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.capacity.command_line import main
from benchmarks.capacity.results import Capacity
from benchmarks.capacity.running import Effort
from benchmarks.capacity.steps import GENERATOR, SERVER
from harness.stack import wait_until
from harness.typed import typed
from tests.edge.small_chat import SmallChat, serving

ROOT = Path(__file__).parents[2]
LIMIT = 12
SHORT = Effort(warm_up_s=0.5, measure_s=2.0, server_s=18.0, bare_s=0.0, precision=1.0)

pytestmark = [pytest.mark.timeout(90), pytest.mark.usefixtures("signals_of_its_own")]


class _Limited(SmallChat):
    """Answers polls 2.5 s late while more than `LIMIT` users poll: its processor and its stores have room."""

    def __init__(self) -> None:
        super().__init__()
        self._polled_s: dict[str, float] = {}

    def came(self, line: str) -> None:
        super().came(line)
        polled = re.search(r"/poll/([^? ]+)", line)
        if polled is None:
            return
        with self.lock:
            now_s = time.monotonic()
            self._polled_s[polled[1]] = now_s
            pollers = sum(now_s - at_s < 1.5 for at_s in self._polled_s.values())
        if pollers > LIMIT:
            time.sleep(2.5)  # what this server does wrong


@pytest.fixture
def url() -> Iterator[str]:
    with serving(_Limited()) as served:
        yield served


@pytest.fixture
def target(url: str, tmp_path: Path) -> Path:
    path = tmp_path / "limited.toml"
    bounds = "poll_interval_s = 1.0\ndelivered_within_s = 1.0\nacceptable_round_trip_s = 0.5\n"
    path.write_text(f'name = "limited"\nurl = "{url}"\n[bounds]\n{bounds}', encoding="utf-8")
    return path


def words(target: Path, tmp_path: Path) -> list[str]:
    return [
        *("--target", str(target), "--first", str(LIMIT), "--ceiling", "48", "--accounts", "48"),
        *("--send-every", "2", "--seed", "3", "--reports", str(tmp_path)),
    ]


def test_a_server_that_is_slow_beyond_a_few_pollers_is_found_out_and_named(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.capacity.command_line.FULL", SHORT)
    code = main(words(target, tmp_path))
    found = typed(json.loads((tmp_path / "capacity.json").read_text(encoding="utf-8")), Capacity)
    limit = found.server.limit
    assert limit is not None
    if limit.gave_out == GENERATOR:  # the machine had no room for this test: nothing was proven
        assert code == 3
        return
    assert (limit.gave_out, code) == (SERVER, 0), found
    assert LIMIT // 2 <= found.server.carried <= LIMIT
    assert limit.delivery_p99_ms is None or limit.delivery_p99_ms > 1000


def test_ctrl_c_writes_what_was_found_and_leaves_nothing_behind(target: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.capacity", *words(target, tmp_path), "--quick"]
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    children = []
    try:
        assert running.stdout is not None
        first = running.stdout.readline()
        while "pollers" not in first:
            assert first, running.communicate()[1]
            first = running.stdout.readline()
        children = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    finally:
        if running.poll() is None:
            os.kill(running.pid, signal.SIGKILL)
    assert running.returncode == 130
    assert "interrupted" in said
    wait_until(
        lambda: not any(child.is_running() for child in children), deadline_s=10, what="the children ended"
    )
    kept = json.loads((tmp_path / "capacity.json").read_text(encoding="utf-8"))
    assert (kept["verdict"], kept["reason"]) == ("inconclusive", "it was interrupted")
    assert kept["server"]["steps"]
