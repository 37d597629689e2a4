"""A server judged by its URL; a store whose proxy has a fixed port; any TCP store broken by its name."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.faults import FaultInjector
from harness.stack import Services, free_port
from harness.stack.probe import ANY_QUESTION, look
from harness.stack.stores import Store

ROOT = Path(__file__).parents[2]
DEADLINE_S = 240

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(DEADLINE_S + 20)]


class _Answering(socketserver.BaseRequestHandler):
    """Answers whatever it is sent with two bytes."""

    def handle(self) -> None:
        while self.request.recv(4096):
            self.request.sendall(b"ok")


@pytest.fixture
def upstream():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answering) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def journal():
    return []


def test_any_tcp_store_gets_refused_silent_slow_and_flapping_at_a_fixed_port(upstream, journal):
    port = free_port()
    with Services(stores={"kv": Store(upstream, port)}) as services:
        assert set(services.found) == {"toxiproxy"}
        assert look(("127.0.0.1", port), ANY_QUESTION).answer == b"ok"
        faults = FaultInjector(services, lambda kind, **fields: journal.append({"kind": kind, **fields}))
        for fault in (
            faults.upstream_refused("kv"),
            faults.upstream_black_holed("kv"),
            faults.upstream_slow("kv", latency_ms=100),
            faults.upstream_flapping("kv"),
        ):
            with fault:
                pass
        seen = [(it["name"], it["probe"]) for it in journal if it.get("phase") == "active"]
        assert seen == [
            ("upstream kv refused", "refused"),
            ("upstream kv black-holed", "silent"),
            ("upstream kv slow", "slow"),
            ("upstream kv flapping", "flapped"),
        ]
        again = Services(stores={"kv": Store(upstream, port)})
        with pytest.raises(UsageError, match=rf"Port {port} of 127\.0\.0\.1 is in use"), again:
            pass


def harness(*words):
    return subprocess.run(
        [sys.executable, "-m", "harness", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def judged_at(url, profile):
    """The words that judge the server at a URL."""
    profile.write_text(f'name = "x"\nurl = "{url}"\nready_within_s = 2\n', encoding="utf-8")
    rows = [word for row in ("FLOW-01", "ERR-02", "ERR-05") for word in ("--only", row)]
    return ["run", *rows, "--reports", str(profile.parent / "reports"), "--target", str(profile)]


@pytest.mark.usefixtures("services")
def test_a_url_at_which_nothing_serves_is_wrong_usage(tmp_path):
    done = harness(*judged_at(f"http://127.0.0.1:{free_port()}", tmp_path / "running.toml"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "The server did not answer GET http://127.0.0.1:" in done.stdout + done.stderr


@pytest.mark.usefixtures("services")
def test_by_a_url_the_rows_that_break_nothing_are_run(tmp_path):
    profile = tmp_path / "running.toml"
    words = [sys.executable, "-m", "harness", *judged_at("BASE_URL", profile)]
    script = tmp_path / "judge.py"
    script.write_text(
        "import pathlib, subprocess, sys\n"
        f"profile = pathlib.Path({str(profile)!r})\n"
        "text = profile.read_text(encoding='utf-8').replace('BASE_URL', sys.argv[1])\n"
        "profile.write_text(text, encoding='utf-8')\n"
        f"sys.exit(subprocess.call({words!r}))\n",
        encoding="utf-8",
    )
    done = harness("exec", "--reports", tmp_path / "served", "--", sys.executable, script, "{base_url}")
    said = done.stdout + done.stderr
    results = json.loads((tmp_path / "reports" / "results.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in results["rows"]] == ["FLOW-01"], said
    assert results["rows"][0]["verdict"] in ("pass", "inconclusive"), said
    assert "ERR-02: the target's profile names no redis in its stores." in said
    assert "ERR-05: the target's profile has a url, not a command" in said
