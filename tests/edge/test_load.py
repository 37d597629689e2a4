"""The load test as people run it, small: its exit codes mean what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORGETFUL = Path(__file__).parent / "programs" / "forgetful_server.py"
DEADLINE_S = 60

pytestmark = pytest.mark.usefixtures("services")  # skips, or fails in CI, where there are none to start


def load(*target, send_every_s):
    """Ten users for a few seconds."""
    locust = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    amount = ["--users", "10", "--spawn-rate", "10", "--run-time", "5s", "--send-every", str(send_every_s)]
    return subprocess.run(
        [sys.executable, "-m", "harness", "exec", *target, "--", *locust, *amount, "--host", "{base_url}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_good_server_under_too_little_load_is_inconclusive():
    done = load(send_every_s=2)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "missing                0" in done.stdout
    assert "verdict                inconclusive (fewer than 100 messages)" in done.stdout
    assert "DELIVERY" in done.stdout + done.stderr


def test_a_server_that_loses_messages_fails_however_few_there_are(tmp_path):
    profile = (ROOT / "harness" / "targets" / "reference.toml").read_text(encoding="utf-8")
    target = tmp_path / "forgetful.toml"
    target.write_text(profile.replace('"-m", "reference_server"', f'"{FORGETFUL}"'), encoding="utf-8")
    done = load("--target", str(target), send_every_s=0.5)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "verdict                fail" in done.stdout
