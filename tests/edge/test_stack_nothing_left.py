"""However a run ends, nothing of it is left: no process, no port, no folder."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.stack import wait_until
from harness.stack.reaper import alive

ROOT = Path(__file__).parents[2]
RUN = Path(__file__).parent / "programs" / "harness_run.py"
DEADLINE_S = 20

pytestmark = pytest.mark.usefixtures("services")  # skips, or fails in CI, where there are none to start


@pytest.fixture
def run():
    """Starts a run in a process of its own and reads what it started; kills it after the test."""
    started = []

    def run(what):
        python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, RUN, what],
            env=os.environ | {"PYTHONPATH": python_path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        left = json.loads(line)
        left["processes"] = [psutil.Process(pid) for pid in left["pids"] if psutil.pid_exists(pid)]
        return process, left

    yield run
    for process in started:
        process.kill()
        process.communicate()


def ends(process, *, status):
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == status, said
    return said


def nothing_is_left(left):
    for member in left["processes"]:
        wait_until(
            lambda member=member: not alive(member), deadline_s=DEADLINE_S, what=f"the end of {member}"
        )
    for host, port in left["addresses"]:
        with socket.socket() as connection:
            assert connection.connect_ex((host, port)) != 0, f"somebody still listens on port {port}"
    for folder in left["folders"]:
        wait_until(
            lambda folder=folder: not Path(folder).exists(), deadline_s=DEADLINE_S, what=f"{folder} to go"
        )
    return True


def test_after_a_normal_end(run):
    process, left = run("end")
    ends(process, status=0)
    assert nothing_is_left(left)


def test_after_an_exception_even_of_what_was_not_in_a_context(run):
    process, left = run("fail")
    assert "RuntimeError: a scenario failed" in ends(process, status=1)
    assert nothing_is_left(left)


def test_after_ctrl_c(run):
    process, left = run("wait")
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in ends(process, status=-signal.SIGINT)
    assert nothing_is_left(left)


def test_after_sigterm(run):
    process, left = run("wait")
    process.terminate()
    ends(process, status=-signal.SIGTERM)
    assert nothing_is_left(left)


def test_after_kill_9_of_the_harness(run):
    process, left = run("wait")
    assert len(left["processes"]) == len(left["pids"])
    process.kill()
    ends(process, status=-signal.SIGKILL)
    assert nothing_is_left(left)


def test_ctrl_c_at_the_terminal_reaches_the_harness_alone(run):
    """A terminal signals its foreground process group; services outside it can be ended in order."""
    process, left = run("wait")
    assert {os.getpgid(member.pid) for member in left["processes"]}.isdisjoint({os.getpgid(process.pid)})
    process.send_signal(signal.SIGINT)
    ends(process, status=-signal.SIGINT)
    assert nothing_is_left(left)
