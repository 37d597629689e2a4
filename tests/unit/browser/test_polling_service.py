"""The polling client under Node's test runner; `tests/edge/browser` runs the same files in Chromium."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "tests" / "browser").glob("*.test.mjs"))
OLDEST_NODE = 20


def _output(*command: str) -> tuple[int, str]:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False, cwd=ROOT
    )
    return done.returncode, done.stdout


@functools.cache
def _node() -> str | None:
    """Return the path of a Node that is new enough."""
    path = shutil.which("node")
    version = re.match(r"v(\d+)", _output(path, "--version")[1]) if path else None
    return path if version and int(version[1]) >= OLDEST_NODE else None


def test_there_are_tests() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.mjs"))
def test_the_client_keeps_its_promises(file: Path) -> None:
    node = _node()
    if node is None:
        pytest.skip(f"node {OLDEST_NODE} or newer is not on the PATH")
    code, said = _output(node, "--test", "--test-reporter=tap", str(file))
    assert code == 0, said
    passed = int(re.findall(r"^# pass (\d+)$", said, re.MULTILINE)[0])
    assert passed > 0, said
