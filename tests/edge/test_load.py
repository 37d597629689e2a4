"""The load test as people run it, small: its exit codes mean what they say."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.stack import free_port, wait_until
from tests.edge.small_chat import SmallChat, serving

pytestmark = pytest.mark.timeout(150)  # several processes that import Locust at once
ROOT = Path(__file__).parents[2]
DEADLINE_S = 100
LOCUST = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
BUSY = re.compile(r"too busy to measure|the load generator was too slow")

pytestmark = pytest.mark.e2e


def run(words):
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=DEADLINE_S, check=False
    )


def load(host, reports, *more, users=10, send_every=0.25, seconds=5):
    """Run some users for a few seconds; return how it ended, and what it wrote."""
    amount = ["--users", str(users), "--spawn-rate", "50", "--run-time", f"{seconds}s"]
    rest = ["--send-every", str(send_every), "--seed", "7", "--reports", str(reports), "--host", host, *more]
    return run([*LOCUST, *amount, *rest]), figures(reports)


@contextlib.contextmanager
def started(reports, run_time, *more):
    """Start ten users; yield the process and the server when some messages have been sent."""
    chat = SmallChat()
    amount = ["--users", "10", "--spawn-rate", "50", "--run-time", run_time, "--send-every", "0.2"]
    words = [*LOCUST, *amount, *more]
    with serving(chat) as url:
        words += ["--reports", str(reports), "--host", url]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as locust:
            wait_until(lambda: len(chat.sent) > 120, deadline_s=DEADLINE_S, what="120 messages")
            yield locust, chat


def figures(reports):
    return json.loads((reports / "load.json").read_text(encoding="utf-8"))


def judged_again(reports):
    """Judge the history once more; return whether the verdicts are the same, to the byte."""
    run(
        [
            sys.executable,
            "-m",
            "harness",
            "check",
            str(reports / "history.jsonl"),
            "--reports",
            str(reports / "b"),
        ]
    )
    return (reports / "b/verdicts.json").read_bytes() == (reports / "verdicts.json").read_bytes()


def workers(processes):
    """Options for so many workers, whose master has a port of its own: tests run side by side."""
    port = str(free_port())
    return "--processes", str(processes), "--master-bind-port", port, "--master-port", port


@contextlib.contextmanager
def two_workers():
    """Start two workers as on machines of their own; yield the port of their master."""
    port = str(free_port())
    words = [*LOCUST, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            worker = stack.enter_context(subprocess.Popen(words, cwd=ROOT, **quiet))
            stack.callback(worker.kill)
        yield port


def sends_recorded(reports):
    lines = (reports / "history.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == "send"]


def worker_of(username):
    return username.rpartition("_")[2].partition("x")[0]


def skip_if_busy(done, found):
    """A machine that is too busy proves nothing; where it is free, what is wrong is wrong."""
    if found["verdict"] == "inconclusive" and BUSY.search(found["reason"]):
        assert done.returncode == 3
        pytest.skip(found["reason"])


class TestVerdicts:
    def test_a_server_that_keeps_its_promises_passes_though_it_is_the_reference(self, services, tmp_path):
        words = [*LOCUST, "--users", "8", "--spawn-rate", "50", "--run-time", "10s", "--send-every", "0.15"]
        rest = ["--reports", str(tmp_path), "--host", "{base_url}/"]
        done = run([sys.executable, "-m", "harness", "exec", "--reports", str(tmp_path), "--", *words, *rest])
        found = figures(tmp_path)
        skip_if_busy(done, found)
        assert done.returncode == 0, done.stdout + done.stderr
        assert found["missing"] == found["duplicates"] == found["failed_requests"] == 0
        assert found["delivered"] == found["acked"] >= 100
        assert "DELIVERY" in done.stdout + done.stderr

    def test_a_server_that_loses_messages_fails_by_no_loss(self, tmp_path):
        with serving(SmallChat(lambda message: message["seq"] % 10 != 0)) as url:
            done, found = load(url, tmp_path, send_every=0.15, seconds=3)
        assert done.returncode == 1, done.stdout + done.stderr
        lost = f"COUNTED: no-loss: {found['missing']} of {found['acked']} acked messages never arrived"
        assert found["reason"].startswith(lost)
        assert "RECORDED: no-loss: " in found["reason"]
        assert found["missing"] > 5
        assert "no-loss       fail" in done.stdout  # in the harness's table of promises
        assert "never delivered" in done.stdout + done.stderr  # in Locust's own table

    def test_a_server_that_stalls_cannot_slow_its_own_test_down(self, tmp_path):
        chat = SmallChat()
        chat.stall(at_request=100, seconds=3)
        with serving(chat) as url:
            done, found = load(url, tmp_path, seconds=6)
        assert found["send_p99_ms"] >= 2600
        assert found["delivery_p99_ms"] >= 2600
        assert found["messages"] >= 0.6 * 6 * 10 / 0.25  # more than if each had waited for the one before
        assert found["missing"] == 0
        assert done.returncode != 0, done.stdout

    def test_what_a_master_and_two_workers_count_is_added_up(self, tmp_path):
        chat = SmallChat()
        with serving(chat) as url, two_workers() as port:
            done, found = load(url, tmp_path, "--master", "--master-bind-port", port, "--expect-workers", "2")
        skip_if_busy(done, found)
        assert done.returncode == 0, done.stdout + done.stderr
        assert found["acked"] == found["delivered"] == len(chat.sent)
        assert judged_again(tmp_path)
        sends = sends_recorded(tmp_path)
        assert len(sends) == len(chat.sent)
        assert any(worker_of(send["sender"]) != worker_of(send["recipient"]) for send in sends)

    def test_a_worker_that_disappears_leaves_the_run_inconclusive(self, tmp_path):
        with started(tmp_path, "5s", *workers(2)) as (locust, _):
            psutil.Process(locust.pid).children()[0].kill()
            printed, _ = locust.communicate(timeout=DEADLINE_S)
        found = figures(tmp_path)
        assert locust.returncode == 3, printed + found["reason"]
        assert "1 workers were lost" in found["reason"]
        assert found["missing"] == 0

    def test_a_generator_that_is_too_slow_proves_nothing(self, tmp_path):
        with started(tmp_path, "5s") as (locust, chat):
            locust.send_signal(signal.SIGSTOP)  # as on a machine that is far too busy
            threading.Event().wait(1.5)
            locust.send_signal(signal.SIGCONT)
            printed, _ = locust.communicate(timeout=DEADLINE_S)
        found = figures(tmp_path)
        assert locust.returncode == 3, printed
        assert found["missed_arrivals"] > 5
        assert "the load generator was too slow" in found["reason"]
        assert found["delivered"] == len(chat.sent)

    def test_ctrl_c_ends_a_run_with_its_results_which_no_other_run_can_overwrite(self, tmp_path):
        with started(tmp_path, "10m") as (locust, chat), serving(SmallChat()) as another:
            other = run([*LOCUST, "--users", "1", "--host", another, "--reports", str(tmp_path)])
            locust.send_signal(signal.SIGINT)
            printed, _ = locust.communicate(timeout=DEADLINE_S)
        assert locust.returncode == 130, printed
        assert figures(tmp_path)["delivered"] == len(chat.sent)
        assert "RECORDED" in printed
        assert other.returncode == 2, other.stdout + other.stderr
        assert "is in use by another run" in other.stderr

    def test_ctrl_c_before_its_workers_came_ends_it_with_a_sentence(self, tmp_path):
        port = str(free_port())
        words = ["--master", "--master-bind-port", port, "--expect-workers", "2", "--reports", str(tmp_path)]
        with serving(SmallChat()) as url, (tmp_path / "said").open("w", encoding="utf-8") as said:
            locust = subprocess.Popen([*LOCUST, *words, "--host", url], stdout=said, stderr=said)
            try:
                wait_until(
                    lambda: "Waiting for workers" in (tmp_path / "said").read_text(encoding="utf-8"),
                    deadline_s=DEADLINE_S,
                    what="Locust to wait",
                )
                locust.send_signal(signal.SIGINT)
                locust.wait(DEADLINE_S)
            finally:
                locust.kill()
        printed = (tmp_path / "said").read_text(encoding="utf-8")
        assert locust.returncode == 130, printed
        assert "load test: interrupted before it began" in printed
        assert "Traceback" not in printed


class Site(http.server.BaseHTTPRequestHandler):
    """A web site without users."""

    def do_POST(self):
        page = b"<html>Welcome</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *words):
        """Nothing to log."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "--host is missing"),
        (["--host", "http://{site}/?chat"], "must be scheme, host, port and path alone"),
        (["--host", "http://127.0.0.1:1"], "was not answered: connection refused"),
        (["--host", "https://{site}"], "was not answered: connection lost (SSLError)"),
        (["--host", "http://{site}", "--users", "0"], "--users is 0"),
        (["--host", "http://{site}", "--target", "none.toml"], "There is no target profile 'none.toml'"),
        (["--host", " http://{site}/ "], "was answered 200, and the body is not JSON"),
    ],
    ids=["none", "query", "refused", "no-tls", "no-users", "no-profile", "web-site"],
)
def test_a_host_that_cannot_be_loaded_is_one_sentence(options, sentence, site):
    words = [option.replace("{site}", site) for option in options]
    done = run([*LOCUST, "--users", "1", "--run-time", "1s", *words])
    assert done.returncode == 2, done.stdout + done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("load test: ")]
    assert sentence in said
    assert "Traceback" not in done.stderr
    assert "verdict" not in done.stdout


def test_the_workers_of_a_run_that_does_not_start_end_with_it():
    done = run([*LOCUST, "--users", "2", "--host", "http://127.0.0.1:1", *workers(2)])
    assert done.returncode == 2, done.stdout + done.stderr
    assert (
        done.stderr.count("Got quit message from master") == 2
    )  # not one that waits a minute for its master
