"""A process with a clock of its own is as quick as any other: else its faults would be the harness's."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.stack import FakeClock, faketime_library

TWO_THREADS = Path(__file__).parent / "programs" / "two_threads.py"
NOW = "from datetime import UTC, datetime; print(datetime.now(UTC).isoformat())"


@pytest.fixture(scope="module")
def library():
    return faketime_library()


@pytest.fixture
def clock(library, tmp_path):
    return FakeClock(library, tmp_path / "clock")


def told(clock, *arguments):
    """What a Python program prints that goes by this clock."""
    program = [sys.executable, *arguments]
    env = {**os.environ, **clock.env}
    done = subprocess.run(program, env=env, capture_output=True, encoding="utf-8", timeout=60, check=True)
    return done.stdout.strip()


def test_threads_do_not_fight_for_python(clock):
    """They did, a hundred times as often as without: requests stood still for half a second."""
    assert int(told(clock, str(TWO_THREADS))) < 3_000


def test_the_clock_is_as_wrong_as_it_was_set(clock):
    clock.set(-3600)
    away = datetime.now(UTC) - datetime.fromisoformat(told(clock, "-c", NOW))
    assert timedelta(minutes=59) < away < timedelta(minutes=61)


def test_time_that_is_waited_for_passes_though_the_clock_stands_still(clock):
    clock.stop(datetime.now(UTC))
    waiting = "import threading; print(threading.Event().wait(0.2))"
    assert told(clock, "-c", waiting) == "False"
