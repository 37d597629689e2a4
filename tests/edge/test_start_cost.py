"""What a help or a wrong word costs: a command's modules are imported only when it is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.parser import parser

HEAVY = {
    "_pytest", "aiohttp", "argon2", "flask", "jinja2", "locust", "msgspec", "playwright", "prometheus_client",
    "psutil", "pymongo", "pytest", "redis", "requests", "rich", "urllib3", "werkzeug", "yaml",
}  # fmt: skip
MOST_TIMES_A_BARE_PYTHON = 8.0
"""A help takes three times the processor time of `python -c pass`; with every driver it took thirty times."""

COMMANDS = sorted(parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr, arg-type]
HELPS = [["--help"], *([command, "--help"] for command in COMMANDS)]
WRONG = [
    [],
    ["no-such-command"],
    ["run", "--jobs", "none"],
    ["doctor", "no-such-part"],
    ["chaos", "--minutes", "x"],
]


def packages_imported_by(*words: str, **variables: str) -> tuple[int, set[str]]:
    """Return the exit code of Python with these arguments, and the top-level packages that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        capture_output=True,
        env={**os.environ, **variables},
        encoding="utf-8",
        check=False,
    )
    return done.returncode, set(
        re.findall(r"^import time:[ \d]+\|[ \d]+\| +(\w+)", done.stderr, re.MULTILINE)
    )


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_a_help_imports_no_driver_and_no_test_runner(words: list[str]) -> None:
    code, imported = packages_imported_by("-m", "harness", *words)
    assert code == 0
    assert "harness" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_imports_no_driver_and_no_test_runner(words: list[str]) -> None:
    code, imported = packages_imported_by("-m", "harness", *words)
    assert code == 2
    assert "harness" in imported
    assert not imported & HEAVY


def test_a_server_with_a_wrong_setting_imports_no_driver_and_no_app() -> None:
    code, imported = packages_imported_by("-m", "reference_server", PORT="none")
    assert code == 2
    assert "reference_server" in imported
    assert not imported & HEAVY


def cpu_s(bytecode: Path, *words: str) -> float:
    """Return the processor time that Python takes with these arguments, its bytecode cached in a folder."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.DEVNULL,
        env=variables | {"PYTHONPYCACHEPREFIX": str(bytecode)},
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]], ids=" ".join)
def test_a_help_takes_a_few_times_the_processor_time_of_a_bare_python(
    words: list[str], tmp_path: Path
) -> None:
    cpu_s(tmp_path, "-m", "harness", *words)  # compiles the modules
    bare, helps = zip(
        *((cpu_s(tmp_path, "-c", "pass"), cpu_s(tmp_path, "-m", "harness", *words)) for _ in range(7)),
        strict=True,
    )
    times = min(helps) / min(bare)  # what else the machine does can only add to either
    assert times < MOST_TIMES_A_BARE_PYTHON, f"{min(helps):.3f} s, {times:.1f} times {min(bare):.3f} s"
