"""Children of the harness: started, watched, paused, and ended together with their own children."""

import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from harness.errors import DeadlineMissed, ProcessDied, UsageError
from harness.stack import Process, wait_until

FAMILY = Path(__file__).parent / "programs" / "family.py"
DEADLINE_S = 10


@pytest.fixture
def start(tmp_path):
    """Starts a program; ends it after the test."""
    started = []

    def start(*command, **options):
        process = Process("program", [str(word) for word in command], log=tmp_path / "log", **options)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()


def family(start, mode="quick"):
    """A program with a child in its session and a grandchild in a session of its own, all three up."""
    process = start(sys.executable, FAMILY, mode)
    process.wait_until_ready(lambda: "three are up" in process.last_lines(), deadline_s=DEADLINE_S)
    members = [psutil.Process(process.pid), *process.children()]
    assert len(members) == 3
    return process, members


def gone(members):
    return all(not member.is_running() or member.status() == psutil.STATUS_ZOMBIE for member in members)


@pytest.mark.parametrize("mode", ["quick", "stubborn"])
def test_stopping_ends_the_program_its_children_and_those_that_left_its_session(start, mode):
    process, members = family(start, mode)
    process.stop(deadline_s=0.5)
    assert gone(members)
    assert not process.running


def test_a_program_that_obeys_sigterm_ends_in_its_own_way(start):
    process, _ = family(start, "quick")
    process.stop(deadline_s=DEADLINE_S)
    assert "exited with status 7" in process.how_it_ended()


def test_a_program_that_ignores_sigterm_is_killed_after_the_deadline(start):
    process, _ = family(start, "stubborn")
    process.stop(deadline_s=0.2)
    assert "was killed by SIGKILL" in process.how_it_ended()


def test_killing_takes_the_whole_family_at_once(start):
    process, members = family(start)
    process.kill()
    assert gone(members)


def test_children_that_outlive_the_program_are_ended_with_it(start):
    process, members = family(start)
    psutil.Process(process.pid).kill()
    wait_until(lambda: not process.running, deadline_s=DEADLINE_S, what="the program to end")
    process.stop()
    assert gone(members)


def test_a_paused_family_is_silent_and_a_resumed_one_goes_on(start):
    process, members = family(start)
    process.pause()
    wait_until(
        lambda: {member.status() for member in members} == {psutil.STATUS_STOPPED},
        deadline_s=DEADLINE_S,
        what="everyone to be stopped",
    )
    assert process.paused
    process.resume()
    wait_until(
        lambda: psutil.STATUS_STOPPED not in {member.status() for member in members},
        deadline_s=DEADLINE_S,
        what="everyone to go on",
    )


def test_a_paused_program_can_be_stopped(start):
    process, members = family(start)
    process.pause()
    process.stop()
    assert gone(members)


def test_a_program_lives_in_a_session_of_its_own(start):
    process = start("sleep", "60")
    assert process.pid == psutil.os.getsid(process.pid)


def test_an_unexpected_end_is_reported_with_status_and_last_lines(start):
    process = start("sh", "-c", "echo one; echo 'out of memory' >&2; exit 3")
    wait_until(lambda: not process.running, deadline_s=DEADLINE_S, what="the program to end")
    with pytest.raises(ProcessDied) as caught:
        process.require_not_died()
    assert str(caught.value) == "program exited with status 3; its last lines:\none\nout of memory"


def test_an_end_by_a_signal_names_the_signal(start):
    process = start("sleep", "60")
    psutil.Process(process.pid).send_signal(signal.SIGABRT)
    wait_until(lambda: not process.running, deadline_s=DEADLINE_S, what="the program to end")
    assert process.how_it_ended() == "program was killed by SIGABRT; it printed nothing."


def test_an_end_that_was_asked_for_is_not_a_death(start):
    process = start("sleep", "60")
    process.stop()
    process.require_not_died()
    with pytest.raises(ProcessDied):
        process.require_running()


def test_waiting_for_readiness_ends_as_soon_as_the_program_does(start):
    process = start("sh", "-c", "exit 1")
    with pytest.raises(ProcessDied, match="exited with status 1"):
        process.wait_until_ready(lambda: False, deadline_s=600)


def test_waiting_for_readiness_ends_at_the_deadline_with_the_last_lines(start):
    process = start("sh", "-c", "echo warming up; exec sleep 60")
    wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    with pytest.raises(DeadlineMissed, match=r"for program to be ready; its last lines:\nwarming up$"):
        process.wait_until_ready(lambda: False, deadline_s=0)


def test_last_lines_are_those_since_the_last_start(start):
    process = start("sh", "-c", 'echo "I am $$"; exec sleep 60')
    wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    first = process.last_lines()
    process.restart()
    wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    assert process.last_lines() == f"I am {process.pid}" != first


@pytest.mark.parametrize("command", ["no-such-program", "./no-such-program", "/no/such/program"])
def test_a_program_that_does_not_exist_is_wrong_usage(start, tmp_path, command):
    with pytest.raises(
        UsageError, match=f"program cannot be started: the program '{command}' does not exist"
    ):
        start(command, cwd=tmp_path)


def test_a_program_is_found_relative_to_its_working_directory(start, tmp_path):
    script = tmp_path / "here.sh"
    script.write_text("#!/bin/sh\npwd\n", encoding="utf-8")
    script.chmod(0o755)
    process = start("./here.sh", cwd=tmp_path)
    wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    assert process.last_lines() == str(tmp_path.resolve())


def test_a_program_gets_our_environment_and_its_own(start, monkeypatch):
    monkeypatch.setenv("OURS", "1")
    process = start("sh", "-c", "echo $OURS $ITS", env={"ITS": "2"})
    wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    assert process.last_lines() == "1 2"


def test_a_program_holds_nothing_of_ours_open(start):
    with socket.create_server(("127.0.0.1", 0)):
        process = start(sys.executable, "-c", "import os; print(sorted(os.listdir('/dev/fd')))")
        wait_until(process.last_lines, deadline_s=DEADLINE_S, what="a line")
    assert process.last_lines() == "['0', '1', '2', '3']"  # 3 is the listing itself


def test_a_program_heeds_signals_that_the_harness_ignores(start):
    """Under `nohup` the harness, and all that it starts, would ignore SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        program = start(sys.executable, "-c", "import signal; print(repr(signal.getsignal(1)), flush=True)")
        wait_until(
            lambda: "SIG_DFL" in program.last_lines(), deadline_s=DEADLINE_S, what="the signal's handler"
        )
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_running_program_is_not_started_twice(start):
    process = start("sleep", "60")
    with pytest.raises(UsageError, match="program is already running"):
        process.start()
