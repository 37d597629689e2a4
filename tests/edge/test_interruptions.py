"""Ctrl-C and its like in every phase of a run: it ends soon, leaves nothing, and writes its results."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.stack import wait_until

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
ENDS_WITHIN_S = 20
"""Three seconds on a machine with a free processor; a busy one may need several times that."""
FILES = ("results.json", "verdicts.json", "junit.xml", "summary.md", "report.html")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(2 * DEADLINE_S),
    pytest.mark.usefixtures("services"),
]


@pytest.fixture
def start(tmp_path):
    """Start a command in a session of its own, as a terminal does."""
    started = []

    def start(*words):
        said = (tmp_path / "said").open("w", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *words, "--reports", str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def family_at(process, reached, what):
    """The processes of a run as soon as it has reached a phase."""
    wait_until(lambda: reached() or process.poll() is not None, deadline_s=DEADLINE_S, what=what)
    assert process.poll() is None, "it ended before"
    return psutil.Process(process.pid).children(recursive=True)


def require_ended(process, family, tmp_path):
    """It ends soon, with 130, and leaves nothing; return what it said."""
    began = time.monotonic()
    code = process.wait(DEADLINE_S)
    took_s = time.monotonic() - began
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert code == 130, said
    assert took_s < ENDS_WITHIN_S, said
    assert said.rstrip().endswith("harness: interrupted; everything it started has been ended")
    assert "Traceback" not in said
    wait_until(
        lambda: not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE],
        deadline_s=10,
        what="everything to be ended",
    )
    return said


def recorded(tmp_path, event):
    file = tmp_path / "history.jsonl"
    return lambda: file.exists() and event in file.read_text(encoding="utf-8")


def to_the_terminal(process):
    """As a terminal does it: to every process of the session's first group, and people press it twice."""
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.2)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)


def to_it_alone(process):
    """As a service manager or a CI does it."""
    process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("interrupt", [to_the_terminal, to_it_alone])
@pytest.mark.parametrize(
    ("words", "event"),
    [
        (["--only", "FLOW-06", "--jobs", "1"], ""),
        (["--only", "FLOW-06", "--jobs", "1"], '"kind":"environment"'),
        (["--only", "ERR-03", "--jobs", "1"], '"phase":"active"'),
        (["--only", "ERR-04", "--jobs", "1"], '"phase":"active"'),
        (["--only", "FLOW-06", "--jobs", "1"], '"kind":"judging"'),
        (["--only", "FLOW-05", "--only", "FLOW-06", "--jobs", "2"], '"kind":"sent"'),
    ],
    ids=[
        "services start",
        "the server starts",
        "a fault is in force",
        "another fault",
        "judging",
        "two jobs",
    ],
)
def test_a_run_ends_soon_in_every_phase_and_writes_its_results(start, tmp_path, words, event, interrupt):
    process = start("run", *words)
    family = family_at(process, recorded(tmp_path, event), event or "its history")
    interrupt(process)
    said = require_ended(process, family, tmp_path)
    assert [name for name in FILES if not (tmp_path / name).exists()] == []
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (results["interrupted"], results["exit_code"]) == (True, 130)
    assert all(row["reason"] == "interrupted" for row in results["rows"])
    assert "Interrupted: " in said


def test_results_that_are_being_written_are_written_to_their_end(start, tmp_path):
    process = start("run", "--only", "FLOW-02", "--jobs", "1")
    family = family_at(process, recorded(tmp_path, '"kind":"over"'), "the writing")
    to_the_terminal(process)
    require_ended(process, family, tmp_path)
    assert [name for name in FILES if not (tmp_path / name).exists()] == []
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["verdict"] == "pass"


def test_a_document_of_what_there_was_is_printed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "--only", "FLOW-06", "--json", "--reports", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        family_at(process, recorded(tmp_path, '"kind":"sent"'), "the first answered send")
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    document = json.loads(printed)
    assert document == json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (process.returncode, document["exit_code"], document["interrupted"]) == (130, 130, True)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_seeds_of_chaos_end_soon_and_can_be_resumed(start, tmp_path, jobs):
    process = start("chaos", "--seeds", "2", "--minutes", "0.3", "--only", "redis", "--jobs", jobs)
    first = "seeds/1/history.jsonl" if jobs == "1" else "lanes/*/seeds/*/history.jsonl"
    family = family_at(
        process,
        lambda: any('"kind":"sent"' in file.read_text(encoding="utf-8") for file in tmp_path.glob(first)),
        "the first answered send",
    )
    to_the_terminal(process)
    require_ended(process, family, tmp_path)
    assert (tmp_path / "seeds.jsonl").exists()


ENDS_IN_ORDER = """
import pathlib, signal, sys, time
def end(number, frame):
    time.sleep(1)
    pathlib.Path(sys.argv[1]).write_text(str(number))
    sys.exit(0)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).touch()
time.sleep(120)
"""


@pytest.mark.parametrize("interrupt", [to_the_terminal, to_it_alone])
def test_a_command_beside_a_server_ends_in_order_before_its_server(tmp_path, interrupt):
    file = tmp_path / "ended"
    words = ["exec", "--reports", str(tmp_path), "--", sys.executable, "-c", ENDS_IN_ORDER, str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        family = family_at(process, file.exists, "the command to begin")
        interrupt(process)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert file.read_text(encoding="utf-8") in ("2", "15")
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
