"""The load test as people run it, small: its exit codes mean what they say."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stack import free_port

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
DEADLINE_S = 90
LOCUST = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]

pytestmark = pytest.mark.e2e


def run(words):
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=DEADLINE_S, check=False
    )


def load(*target, send_every_s, options=()):
    """Ten users for a few seconds."""
    amount = ["--users", "10", "--spawn-rate", "10", "--run-time", "5s", "--send-every", str(send_every_s)]
    words = [*LOCUST, *amount, *options, "--host", "{base_url}/"]
    return run([sys.executable, "-m", "harness", "exec", *target, "--", *words])


def workers(processes):
    """Options for so many workers, whose master has a port of its own: tests run side by side."""
    port = str(free_port())
    return "--processes", str(processes), "--master-bind-port", port, "--master-port", port


def honest_but(way, tmp_path):
    """The profile of the honest server, broken in a way; of the honest one itself where there is none."""
    profile = (PROGRAMS / "honest_server.toml").read_text(encoding="utf-8")
    target = tmp_path / "target.toml"
    broken = f'programs/broken_server.py", "{way}", ' if way else 'programs/honest_server.py", '
    target.write_text(profile.replace('programs/honest_server.py", ', broken), encoding="utf-8")
    return "--target", str(target)


@pytest.mark.usefixtures("services")  # skips, or fails in CI, where there are none to start
class TestVerdicts:
    def test_a_good_server_under_too_little_load_is_inconclusive(self):
        done = load(send_every_s=2)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "missing                0" in done.stdout
        assert "verdict                inconclusive (fewer than 100 messages)" in done.stdout
        assert "DELIVERY" in done.stdout + done.stderr

    def test_a_server_that_loses_messages_fails_however_few_there_are(self, tmp_path):
        profile = (ROOT / "harness" / "targets" / "reference.toml").read_text(encoding="utf-8")
        forgetful = f'"{PROGRAMS / "forgetful_server.py"}"'
        target = tmp_path / "forgetful.toml"
        target.write_text(profile.replace('"-m", "reference_server"', forgetful), encoding="utf-8")
        done = load("--target", str(target), send_every_s=0.5)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "verdict                fail" in done.stdout

    @pytest.mark.parametrize("processes", [1, 2], ids=["one-process", "two-workers"])
    def test_an_honest_server_passes_and_nothing_is_left_under_way(self, processes, tmp_path):
        options = workers(processes) if processes > 1 else ()
        done = load(*honest_but("", tmp_path), send_every_s=0.25, options=options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "failed requests        0" in done.stdout
        assert "missing                0" in done.stdout

    @pytest.mark.parametrize(
        ("way", "said"),
        [
            ("PollsOfHtmlNowAndThen", "the body is not JSON"),
            ("InventsMessages", "a message that was never sent"),
        ],
    )
    def test_an_answer_that_is_not_what_the_contract_says_is_a_failed_request(self, way, said, tmp_path):
        done = load(*honest_but(way, tmp_path), send_every_s=1)
        told = done.stdout + done.stderr
        assert done.returncode == 1, told
        assert said in told  # in Locust's own table
        assert "failed requests        0" not in done.stdout
        assert "missing                0" in done.stdout
        assert "Traceback" not in told


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
        (["--host", "http://{site}/chat/"], "must be scheme, host and port alone"),
        (["--host", "http://127.0.0.1:1"], "was not answered: connection refused"),
        (["--host", "https://{site}"], "was not answered: connection lost (SSLError)"),
        (["--host", " http://{site}/ "], "was answered 200, and the body is not JSON"),
    ],
    ids=["none", "path", "refused", "no-tls", "web-site"],
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
