"""What a process does about the signals that end it, each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WITHIN_S = 30.0


def python(code: str) -> subprocess.Popen[str]:
    """Start a process that has taken its signals, and wait until it says that it is ready."""
    beginning = "import time, weakref\nfrom harness.interrupts import INTERRUPTS\nINTERRUPTS.take()\n"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", beginning + textwrap.dedent(code)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code and what was printed after `ready`."""
    try:
        printed, _ = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
    return process.returncode, printed


IN_ORDER = """
    try:
        print("ready")
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted")
        time.sleep(0.5)
        print("in order")
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_others_do_not_disturb_the_end(signum: signal.Signals) -> None:
    process = python(IN_ORDER)
    process.send_signal(signum)
    assert process.stdout is not None
    assert process.stdout.readline() == "interrupted\n"
    for _ in range(5):
        process.send_signal(signum)
        time.sleep(0.01)
    assert ended(process) == (0, "in order\n")


def test_who_has_waited_for_long_enough_ends_it_at_once() -> None:
    process = python("""
        import harness.interrupts
        harness.interrupts.PATIENCE_S = 0.0
        try:
            print("ready")
            time.sleep(60)
        finally:
            print("interrupted")
            time.sleep(60)
    """)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "interrupted\n"
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "")


def test_an_interruption_that_python_drops_is_raised_again() -> None:
    process = python("""
        class It: pass
        it = It()
        def callback(_):
            print("ready")
            time.sleep(60)
        reference = weakref.ref(it, callback)
        try:
            del it
            print("dropped")
            time.sleep(60)
        except KeyboardInterrupt:
            INTERRUPTS.seen()
            print("interrupted")
    """)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "dropped\ninterrupted\n")


def test_one_that_was_dealt_with_is_not_raised_again() -> None:
    process = python("""
        try:
            print("ready")
            time.sleep(60)
        except KeyboardInterrupt:
            INTERRUPTS.seen()
        time.sleep(0.5)
        print("ended")
    """)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "ended\n")


def test_what_must_not_be_cut_short_is_ended_first() -> None:
    process = python("""
        try:
            with INTERRUPTS.held():
                print("ready")
                until = time.monotonic() + 60
                while not INTERRUPTS.has_begun and time.monotonic() < until:
                    time.sleep(0.01)
                print("written")
            print("not reached")
        except KeyboardInterrupt:
            print("interrupted")
    """)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "written\ninterrupted\n")


def test_another_process_of_the_run_is_interrupted_too() -> None:
    other = python(IN_ORDER)
    process = python(f"""
        INTERRUPTS.hand_on_to({other.pid})
        try:
            print("ready")
            time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (0, "interrupted\n")
    assert ended(other) == (0, "interrupted\nin order\n")


def test_a_wait_for_what_is_no_longer_needed_ends_soon() -> None:
    process = python("""
        from harness.stack import wait_until
        try:
            try:
                print("ready")
                time.sleep(60)
            finally:
                wait_until(lambda: False, deadline_s=60, what="what is no longer needed")
        except KeyboardInterrupt:
            print("interrupted")
    """)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert ended(process) == (0, "interrupted\n")
    assert time.monotonic() - began < WITHIN_S


def test_before_a_command_begins_ctrl_c_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("", encoding="utf-8")
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import runpy, signal, sys\n"
            "sys.argv = ['harness', '--help']\n"
            "class Slow:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'harness.cli.command_line':\n"
            "            print('ready', flush=True); signal.pause()\n"
            "sys.meta_path.insert(0, Slow())\n"
            "runpy.run_module('harness', run_name='__main__')\n",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, said) == (-signal.SIGINT, "")
