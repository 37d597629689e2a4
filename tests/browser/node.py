"""Node's test runner, for the `.mjs` tests beside this file; `tests/edge/browser` runs them in Chromium."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "tests" / "browser").glob("*.test.mjs"))
OLDEST_NODE = 20


@functools.cache
def node() -> str | None:
    """Return the path of a Node that is new enough, if there is one."""
    path = shutil.which("node")
    version = re.match(r"v(\d+)", _output(path, "--version")[1]) if path else None
    return path if version and int(version[1]) >= OLDEST_NODE else None


def check(path: str, file: Path) -> None:
    """Run a file's tests; fail with what Node says."""
    code, said = _output(path, "--test", "--test-reporter=tap", str(file))
    assert code == 0, said
    passed = int(re.findall(r"^# pass (\d+)$", said, re.MULTILINE)[0])
    assert passed > 0, said


def _output(*command: str) -> tuple[int, str]:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False, cwd=ROOT
    )
    return done.returncode, done.stdout
