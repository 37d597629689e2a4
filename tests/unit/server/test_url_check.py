"""The check of the stores' URLs at the start, which makes a child process."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os
from gevent import monkey
monkey.patch_all()
from reference_server.config import Config
from reference_server.process import url_check

def until_the_child_has_ended():
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

os.register_at_fork(after_in_parent=until_the_child_has_ended)
url_check.check(Config.from_env(dict(SECRET_KEY="x" * 32, MONGODB_URL="mongodb://127.0.0.1:1/chat?{options}")))
print("checked")
"""


def run(options: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{options}", options)],
        capture_output=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )


def test_a_child_that_has_ended_at_once_is_not_waited_for() -> None:
    """On a busy machine the child may end before the master runs again."""
    assert run().stdout == "checked\n"


def test_what_a_child_found_that_had_ended_at_once_is_told() -> None:
    assert "MONGODB_URL cannot be used" in run("tls=true&tlsCertificateKeyFile=/nowhere").stderr
