"""Surroundings that are not the harness's to choose: each ends in one sentence, and never in exit code 1."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.stack import wait_until

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
FULL = Path("/dev/full")
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(2 * DEADLINE_S),  # one or two whole runs, on a machine that may be busy
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
]


def harness(*words):
    return [sys.executable, "-m", "harness", *words]


def run(*words, cwd=ROOT, env=None, **more):
    return subprocess.run(
        harness(*words),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}),
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def plan_at(folder):
    """The folder, with the plan to be run there."""
    shutil.copy(ROOT / "TEST_REALTIME_MESSAGING.md", folder)
    return folder


@pytest.fixture
def running(tmp_path):
    """Start a run whose first send was answered; its results are in `tmp_path / "reports"`."""
    started = []

    def start(*words):
        reports = tmp_path / "reports"
        process = subprocess.Popen(
            harness("run", "--reports", str(reports), *words),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        history = reports / "history.jsonl"
        wait_until(
            lambda: history.exists() and '"kind":"sent"' in history.read_text(encoding="utf-8"),
            deadline_s=DEADLINE_S,
            what="the first answered send",
        )
        return process, reports

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process, exit_code):
    """What it said, once it has ended so."""
    stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == exit_code, stdout + stderr
    assert "Traceback" not in stdout + stderr
    return stderr


def cannot_grow_files(process):
    """To this process every disk is full from now on."""
    psutil.Process(process.pid).rlimit(resource.RLIMIT_FSIZE, (0, 0))


# The caller's pytest


def test_what_is_meant_for_the_callers_own_pytest_reaches_no_run(tmp_path):
    plan_at(tmp_path)
    for name, heading in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        (tmp_path / name).write_text(f"[{heading}]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not for a run')\n", encoding="utf-8")
    theirs = {
        "PYTEST_ADDOPTS": "--no-such-option -k nothing",
        "PYTEST_PLUGINS": "no_such_plugin",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = run("run", "--only", "FLOW-0[27]", "--jobs", "2", cwd=tmp_path, env=theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows" in done.stdout


# Disks and folders


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_disk_that_becomes_full_is_told_with_what_puts_the_results_elsewhere(running, jobs):
    process, reports = running("--only", "FLOW-04", "--only", "FLOW-07", "--jobs", jobs)
    for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children()]:
        cannot_grow_files(member)
    said = ended(process, 3)
    assert f"{reports}" in said
    assert "cannot be written: " in said
    assert "--reports FOLDER" in said


def test_results_that_are_removed_meanwhile_are_told_with_their_path(running):
    process, reports = running("--only", "FLOW-04", "--jobs", "1")
    shutil.rmtree(reports)
    said = ended(process, 3)
    assert f"{reports / 'history.jsonl'} cannot be written: It was removed while the run went on" in said


@pytest.mark.parametrize("words", [("run", "--only", "FLOW-02"), ("chaos", "--minutes", "0.5")])
def test_a_folder_for_results_that_cannot_be_made_is_wrong_usage(words):
    done = run(*words, "--reports", "/dev/null/reports")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "harness: The results cannot be written to /dev/null/reports: " in done.stderr
    assert "--reports FOLDER" in done.stderr


def test_a_log_that_cannot_be_written_is_told_with_what_puts_it_elsewhere():
    done = run("exec", "--reports", "/dev/null/logs", "--", "true")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "/dev/null/logs" in done.stderr
    assert "--reports FOLDER" in done.stderr
    assert "Traceback" not in done.stderr


# The standard streams


@pytest.mark.parametrize("words", [("plan",), ("doctor",)])
def test_output_that_nobody_reads_is_no_verdict(words):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*words, stdout=writing)
    os.close(writing)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "harness: What the command prints cannot be written to its standard output: "
    )


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_run_whose_output_cannot_be_written_is_no_verdict(tmp_path):
    with FULL.open("wb") as full:
        done = run("run", "--only", "FLOW-02", "--reports", str(tmp_path), stdout=full)
    assert done.returncode == 3, done.stderr
    assert "standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_without_any_stream_passes_and_keeps_its_files_clean(tmp_path):
    words = harness("run", "--only", "FLOW-02", "--reports", str(tmp_path))
    closing = "import os, sys; [os.close(n) for n in (0, 1, 2)]; os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", closing, *words], cwd=ROOT, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0
    again = run("check", str(tmp_path / "history.jsonl"))
    assert again.returncode == 0, again.stderr
    assert again.stdout == (tmp_path / "verdicts.json").read_text(encoding="utf-8")


# Locales


@pytest.mark.parametrize("line_format", ["text", "json"])
def test_in_a_posix_locale_a_server_is_run_and_judged_as_anywhere(tmp_path, line_format):
    """Python's UTF-8 mode is off as well, so whoever forgets an encoding gets ASCII."""
    reference = (ROOT / "harness" / "targets" / "reference.toml").read_text(encoding="utf-8")
    target = tmp_path / "größe.toml"
    target.write_text(
        reference.replace("[env]\n", f'[env]\nLOG_FORMAT = "{line_format}"\n'), encoding="utf-8"
    )
    ran = run("run", "--only", "FLOW-02", "--target", "größe.toml", cwd=plan_at(tmp_path), env=POSIX)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    reports = tmp_path / "reports" / "latest"
    log = (reports / "logs" / "server-FLOW-02.log").read_text(encoding="utf-8")
    polls = [line for line in log.splitlines() if "📬 Polling: " in line]
    assert polls
    if line_format == "json":
        assert all(json.loads(line)["message"].startswith("📬") for line in polls)
    judged = run("check", str(reports / "history.jsonl"), env=POSIX)
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout == (reports / "verdicts.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("plan",), ("doctor",), ("--help",), ("run", "--target", "größe")])
def test_in_a_posix_locale_whatever_is_printed_can_be_printed(words):
    done = run(*words, env=POSIX)
    assert done.returncode == (2 if "größe" in words else 0), done.stdout + done.stderr
    assert done.stderr.count("\n") == ("größe" in words), "other than the one sentence"


def test_rows_side_by_side_in_a_folder_that_is_not_utf_8_are_refused_with_what_helps(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    words = ("run", "--only", "FLOW-02", "--only", "FLOW-07")
    refused = run(*words, cwd=plan_at(folder))
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "is not UTF-8" in refused.stderr
    assert "--jobs 1" in refused.stderr
    one_by_one = run("run", "--only", "FLOW-02", "--jobs", "1", cwd=folder)
    assert one_by_one.returncode == 0, one_by_one.stdout + one_by_one.stderr


# Other runs, and the end of this one


def test_a_second_run_in_a_folder_is_refused_and_a_dead_one_holds_nothing(running):
    first, reports = running("--only", "FLOW-06", "--jobs", "1")
    second = run("run", "--only", "FLOW-02", "--reports", str(reports))
    assert second.returncode == 2, second.stdout + second.stderr
    assert f"{reports} is in use by another run, process {first.pid} (" in second.stderr
    assert (reports / "history.jsonl").exists()
    first.kill()
    first.wait()
    third = run("run", "--only", "FLOW-02", "--reports", str(reports))
    assert third.returncode == 0, third.stdout + third.stderr


def test_a_process_of_the_run_that_dies_is_no_verdict(running):
    process, _ = running("--only", "FLOW-06", "--only", "FLOW-07", "--jobs", "2")
    children = psutil.Process(process.pid).children()
    workers = [child for child in children if child.cmdline()[-1].startswith("import sys;exec(")]
    assert workers
    workers[0].kill()
    ended(process, 3)


def test_a_closed_terminal_ends_a_run_like_ctrl_c(running):
    process, _ = running("--only", "FLOW-06", "--jobs", "1")
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGHUP)
    assert "interrupted" in ended(process, 130)
    assert family
    assert not [member for member in family if member.is_running() and member.status() != "zombie"]


def test_exec_reports_a_command_that_a_signal_ended_as_shells_do(tmp_path):
    done = run("exec", "--reports", str(tmp_path), "--", "sh", "-c", "kill -KILL $$")
    assert done.returncode == 128 + signal.SIGKILL, done.stdout + done.stderr
