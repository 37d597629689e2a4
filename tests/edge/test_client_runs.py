"""`python -m harness client` as people run it: a good client, bad ones, and what cannot be judged."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.checkers.pressure import TOO_BUSY
from harness.stack import wait_until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/clients"
DEADLINE_S = 280

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(DEADLINE_S + 20), pytest.mark.usefixtures("services")]


def words(*more):
    return [sys.executable, "-m", "harness", *more]


def client(*more, **env):
    return subprocess.run(
        words("client", "--jobs", "1", *more),
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def verdict(done, reports):
    """The only row of a run; a machine that is too busy for a verdict skips the test."""
    results = json.loads((reports / "results.json").read_text(encoding="utf-8"))
    (row,) = results["rows"]
    if TOO_BUSY in row["reason"]:
        pytest.skip(row["reason"])
    assert done.returncode == results["exit_code"], done.stdout + done.stderr
    return row


def broken(row):
    return {judged["promise"] for judged in row["judgements"] if judged["verdict"] == "fail"}


def program(folder, text, command='["{python}", "client.py", "{base_url}", "{username}", "{token}"]'):
    (folder / "client.py").write_text(text, encoding="utf-8")
    profile = (EXAMPLES / "loop.toml").read_text(encoding="utf-8")
    path = folder / "client.toml"
    kept = [line for line in profile.splitlines() if not line.startswith("command")]
    path.write_text("\n".join(kept).replace("[program]", f"[program]\ncommand = {command}"), encoding="utf-8")
    return path


@pytest.mark.usefixtures("chromium_found")
def test_our_client_in_a_page_is_judged_and_passes(tmp_path):
    done = client("--only", "CLIENT-01", "--reports", str(tmp_path))
    row = verdict(done, tmp_path)
    assert (row["verdict"], row["id"]) == ("pass", "CLIENT-01"), done.stdout + done.stderr
    again = subprocess.run(
        words("check", str(tmp_path / "history.jsonl")), cwd=ROOT, capture_output=True, check=False
    )
    assert again.stdout == (tmp_path / "verdicts.json").read_bytes()
    assert (again.returncode, again.stderr) == (0, b"")


def documented_findings():
    """Row, promise and kind of each finding that docs/clients.md prints."""
    text = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (CLIENT-\d\d) \| `([\w-]+)` \| `(\w+)` \|", text, re.MULTILINE)


def test_the_documentation_prints_findings():
    assert len(documented_findings()) >= 2


@pytest.mark.usefixtures("chromium_found")
@pytest.mark.parametrize(("row_id", "promise", "kind"), documented_findings())
def test_the_documented_findings_of_the_strangers_page_are_found(tmp_path, row_id, promise, kind):
    stranger = str(EXAMPLES / "set_interval.toml")
    done = client("--target", stranger, "--only", row_id, "--reports", str(tmp_path))
    row = verdict(done, tmp_path)
    assert row["verdict"] == "fail", done.stdout + done.stderr
    kinds = {(it["promise"], it["kind"]) for judged in row["judgements"] for it in judged["findings"]}
    assert (promise, kind) in kinds


def test_a_program_that_dies_of_an_answer_that_is_not_json_has_stopped_polling(tmp_path):
    done = client("--target", str(EXAMPLES / "loop.toml"), "--only", "CLIENT-40", "--reports", str(tmp_path))
    row = verdict(done, tmp_path)
    assert row["verdict"] == "fail", done.stdout + done.stderr
    assert "keeps-polling" in broken(row)


def test_a_program_that_ends_before_it_polls_is_not_judged(tmp_path):
    path = program(tmp_path, "raise SystemExit('there is no such option')")
    done = client("--target", str(path), "--only", "CLIENT-01", "--reports", str(tmp_path / "reports"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "harness: the client exited with status 1; its last lines:\nthere is no such option" in done.stderr


def test_a_program_that_does_not_exist_is_one_sentence(tmp_path):
    path = program(tmp_path, "", command='["no-such-program"]')
    done = client("--target", str(path), "--only", "CLIENT-01", "--reports", str(tmp_path / "reports"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the client cannot be started: the program 'no-such-program' does not exist." in done.stderr


@pytest.mark.usefixtures("chromium_found")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("/client/index.html", "/client/absent.html", "does not load: it was answered 404"),
        ("(user) => start(user)", "(user) => begin(user)", "The page's `start` failed: "),
    ],
)
def test_a_page_that_cannot_be_used_is_not_judged(tmp_path, old, new, said):
    shutil.copytree(EXAMPLES, tmp_path / "clients")
    path = tmp_path / "clients/set_interval.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    done = client("--target", str(path), "--only", "CLIENT-01", "--reports", str(tmp_path / "reports"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_chromium_a_page_is_skipped_with_the_reason(tmp_path):
    done = client("--only", "CLIENT-01", "--reports", str(tmp_path), CHROMIUM=str(tmp_path / "absent"))
    row = verdict(done, tmp_path)
    assert (done.returncode, row["verdict"]) == (3, "skipped"), done.stdout + done.stderr
    assert "CHROMIUM names" in row["reason"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--target", "absent.toml"], "There is no client profile 'absent.toml'"),
        (["--only", "CLIENT-99"], "The plan has no row 'CLIENT-99'."),
        (
            ["--target", str(EXAMPLES / "loop.toml"), "--only", "CLIENT-60"],
            "None of the rows asked for suits the client 'urllib loop'.",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(more, said):
    done = client(*more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("chromium_found")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_running(tmp_path, number):
    run = subprocess.Popen(
        words("client", "--jobs", "1", "--only", "CLIENT-10", "--reports", str(tmp_path)),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    family = []

    def started():
        family[:] = psutil.Process(run.pid).children(recursive=True)
        return any("chrom" in process.name() for process in family if process.is_running())

    wait_until(started, deadline_s=90, what="the browser", retry_on=(psutil.NoSuchProcess,))
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    wait_until(lambda: not _alive(family), deadline_s=30, what="the end of all that it started")
    if number == signal.SIGINT:
        assert run.returncode == 130, said.decode()


def _alive(processes):
    """Those that still run; a zombie waits for a parent that is gone."""
    return [it for it in processes if it.is_running() and it.status() != psutil.STATUS_ZOMBIE]
