"""`python -m harness` as people run it: what it prints, what it writes, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from harness.history import read_histories
from harness.plan import PLAN_FILE, read_plan
from harness.stack import doctor, free_port, wait_until
from harness.stack.finding import SERVICES

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
DEADLINE_S = 150

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(
        240
    ),  # where the machine is busy, a lost message is waited for, and the row tried again
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
]


def harness(*words):
    return [sys.executable, "-m", "harness", *words]


def run(*words, **env):
    return subprocess.run(
        harness(*words),
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def profile(tmp_path, command, *, ready_path="/health/live", extra=""):
    """A target profile like the reference's, with another command."""
    env = (ROOT / "harness" / "targets" / "reference.toml").read_text(encoding="utf-8").partition("[env]")[2]
    path = tmp_path / "target.toml"
    words = json.dumps([sys.executable, *command])
    path.write_text(
        f'name = "broken"\ncommand = {words}\nready_path = "{ready_path}"\n{extra}\n[env]{env}',
        encoding="utf-8",
    )
    return str(path)


def test_a_row_that_passes_ends_with_0_and_leaves_its_results(tmp_path):
    done = run("run", "--only", "FLOW-02", "--seed", "7", "--reports", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pass: the one row kept every promise." in done.stdout
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (results["verdict"], results["exit_code"], results["seed"]) == ("pass", 0, 7)
    (row,) = results["rows"]
    assert (row["id"], row["title"], row["verdict"], row["findings"]) == (
        "FLOW-02",
        "Offline recipient",
        "pass",
        [],
    )
    assert {name: one["verdict"] for name, one in results["promises"].items()} == dict.fromkeys(
        ("no-loss", "no-duplicate", "order", "cursor", "no-phantom", "on-time", "available", "bounded"),
        "pass",
    )
    assert {"redis", "mongod", "toxiproxy"} <= results["environment"].keys()
    assert ElementTree.parse(tmp_path / "junit.xml").find(".//testcase") is not None
    (history,) = read_histories(tmp_path / "history.jsonl")
    assert len(history.sends) == 3
    assert "FLOW-02" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_broken_promise_ends_with_1_and_names_it(tmp_path):
    target = profile(tmp_path, [str(PROGRAMS / "forgetful_server.py")])
    done = run("run", "--only", "FLOW-02", "--target", target, "--reports", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["promises"]["no-loss"]["verdict"] == "fail"
    assert "no-loss" in {finding["promise"] for finding in results["rows"][0]["findings"]}


@pytest.mark.parametrize("words", [(), ("--target", "forgetful")])
def test_check_says_of_the_history_to_the_byte_what_the_run_said(tmp_path, words):
    if words:
        words = ("--target", profile(tmp_path, [str(PROGRAMS / "forgetful_server.py")]))
    ran = run("run", "--only", "FLOW-02", "--reports", str(tmp_path), *words)
    again = run("check", str(tmp_path / "history.jsonl"))
    assert again.returncode == ran.returncode == (1 if words else 0), again.stderr
    assert again.stdout == (tmp_path / "verdicts.json").read_text(encoding="utf-8")
    shown = run("check", str(tmp_path / "history.jsonl"), "--reports", str(tmp_path / "again"))
    assert shown.returncode == ran.returncode
    assert shown.stdout.startswith("FLOW-02   " + ("fail" if words else "pass"))
    assert (tmp_path / "again" / "verdicts.json").read_bytes() == (tmp_path / "verdicts.json").read_bytes()


def test_a_run_that_was_killed_can_be_judged_by_what_it_recorded(tmp_path):
    words = harness("run", "--only", "FLOW-06", "--reports", str(tmp_path), "--jobs", "1")
    history = tmp_path / "history.jsonl"
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(
                lambda: history.exists() and history.read_text(encoding="utf-8").count('"kind":"poll"') > 2,
                deadline_s=DEADLINE_S,
                what="the third poll",
            )
        finally:
            process.kill()
    done = run("check", str(history))
    assert done.returncode == 3, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["id"], row["verdict"], row["reason"]) == ("FLOW-06", "inconclusive", "interrupted")
    verdicts = {one["promise"]: one["verdict"] for one in row["judgements"]}
    assert verdicts["no-duplicate"] == "pass"
    assert verdicts["no-loss"] == "inconclusive"


def test_a_server_that_cannot_be_used_is_inconclusive_and_ends_with_3(tmp_path):
    """Python's own web server gets ready, and knows no users."""
    command = ["-m", "http.server", "--bind", "127.0.0.1", "{port}"]
    target = profile(tmp_path, command, ready_path="/")
    done = run("run", "--only", "FLOW-02", "--target", target, "--reports", str(tmp_path))
    assert done.returncode == 3, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["verdict"] == "inconclusive"
    assert "wanted to register and was answered 501, not 201" in results["rows"][0]["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--only", "FLOW-1"], "The plan has no row 'FLOW-1'"),
        (["run", "--target", "nowhere"], "There is no target profile 'nowhere'"),
        (["run", "--section", "mesage-flow"], "Did you mean message-flow?"),
        (
            ["run", "--only", "FLOW-01", "--section", "errors"],
            "No row of the section 'errors' matches FLOW-01",
        ),
        (["run", "--workers", "0"], "--workers: '0' is not a whole number from 1 on"),
        (["run", "--jobs", "two"], "--jobs: 'two' is not a whole number from 1 on"),
        (["check", "nowhere.jsonl"], "The history nowhere.jsonl cannot be judged"),
        (["serve", "--port", "1"], "Port 1 of 127.0.0.1 cannot be used")
        if os.geteuid()
        else (
            ["serve", "--port", "99999"],
            "Port 99999 of 127.0.0.1 cannot be used",
        ),
        (["exec", "--", "/no/such/program"], "The command '/no/such/program' cannot be run"),
    ],
)
def test_wrong_usage_is_one_sentence_and_ends_with_2(words, said):
    done = run(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_server_that_never_gets_ready_is_told_with_its_last_lines(tmp_path):
    command = ["-c", "import time; print('still thinking', flush=True); time.sleep(60)"]
    target = profile(tmp_path, command, extra="ready_within_s = 1")
    done = run("run", "--only", "FLOW-02", "--target", target, "--reports", str(tmp_path))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "did not answer GET" in done.stderr
    assert "still thinking" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


SERVES_WHEN = """
import os, pathlib, sys
starts = pathlib.Path(sys.argv[1])
with starts.open("a") as file:
    file.write("x")
if {serves}:
    os.execv(sys.executable, [sys.executable, "-m", "reference_server"])
sys.exit("not this time")
"""


@pytest.mark.parametrize(
    ("serves", "verdicts", "code"),
    [
        ("starts.stat().st_size != 2", ["inconclusive", "pass", "pass"], 3),
        ("starts.stat().st_size == 1", ["inconclusive", "inconclusive", "pass"], 2),
    ],
)
def test_one_start_that_fails_leaves_one_row_undecided_and_a_second_ends_the_run(
    tmp_path, serves, verdicts, code
):
    command = ["-c", SERVES_WHEN.replace("{serves}", serves), str(tmp_path / "starts")]
    target = profile(tmp_path, command)
    rows = [part for row in ("POLL-01", "POLL-02", "POLL-03") for part in ("--only", row)]
    done = run("run", *rows, "--jobs", "1", "--target", target, "--reports", str(tmp_path))
    assert done.returncode == code, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert sorted(row["verdict"] for row in results["rows"]) == verdicts
    assert "not this time" in done.stdout


def test_a_server_whose_settings_are_wrong_is_told_with_what_it_said(tmp_path):
    target = profile(tmp_path, ["-m", "reference_server"])
    text = Path(target).read_text(encoding="utf-8").replace('SECRET_KEY = "{secret}"', 'SECRET_KEY = "short"')
    Path(target).write_text(text, encoding="utf-8")
    done = run("run", "--only", "FLOW-02", "--target", target, "--reports", str(tmp_path))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "SECRET_KEY" in done.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_keeps_its_results_and_leaves_nothing(tmp_path, signum):
    process = subprocess.Popen(
        harness("run", "--only", "FLOW-06", "--reports", str(tmp_path)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    history = tmp_path / "history.jsonl"
    try:
        wait_until(
            lambda: history.exists() and '"kind":"sent"' in history.read_text(encoding="utf-8"),
            deadline_s=DEADLINE_S,
            what="the first answered send",
        )
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signum)
        said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "interrupted; everything it started has been ended" in said[1]
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["verdict"] == "inconclusive"
    assert results["rows"][0]["reason"] == "interrupted"
    assert family
    assert not [member for member in family if member.is_running() and member.status() != "zombie"]


def test_serve_says_who_may_sign_in_and_ends_cleanly_on_ctrl_c(tmp_path):
    process = subprocess.Popen(
        harness("serve", "--port", str(free_port())), cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        process.send_signal(signal.SIGINT)
        lines.append(process.communicate(timeout=30)[0])
    finally:
        process.kill()
    said = "".join(lines)
    assert process.returncode == 0, said
    assert "alice" in said
    assert "Ended, with everything it started." in said


def test_exec_hands_on_the_url_and_the_exit_code():
    program = "import sys, urllib.request as r; r.urlopen(sys.argv[1] + '/health/ready'); sys.exit(5)"
    assert run("exec", "--", sys.executable, "-c", program, "{base_url}").returncode == 5


@pytest.mark.parametrize("columns", [80, 120])
def test_the_plan_names_what_runs_each_row_and_breaks_no_name(columns):
    done = run("plan", COLUMNS=str(columns))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan and tests agree" in done.stdout
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    whole = {line.strip() for line in lines}
    rows = read_plan(ROOT / PLAN_FILE)
    assert {f"{row.id:<9} {row.title}" for row in rows} <= whole
    named = {word for row in rows for test in row.tests for word in test.split("::")}
    assert named
    assert named <= whole
    assert "harness/scenarios/errors.py" in whole


def test_the_doctor_says_where_each_service_is_and_breaks_no_path():
    done = run("doctor", COLUMNS="80")
    assert done.returncode == 0, done.stdout + done.stderr
    found = [row.found for row in doctor() if row.found]
    assert {it.service for it in found} >= set(SERVICES)
    lines = done.stdout.splitlines()
    places = lines[1 : 2 * len(found) : 2]
    said = [line.strip().replace("~", str(Path.home()), 1) for line in places]
    assert said == [str(it.binary or it.url) for it in found]
    assert max(len(line) for line in lines if line not in places) <= 80


def test_what_is_missing_is_legible_at_80_columns(tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = run("doctor", COLUMNS="80", REDIS_URL="", MONGODB_URL="", TOXIPROXY_URL="", **env)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.count("  get it with: python -m harness doctor --install\n") == 3
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_an_error_that_quotes_a_line_break_is_one_line():
    done = run("run", "--target", "a\nb\x1b[31m[red].toml")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert r"'a\nb\x1b[31m[red].toml'" in line
