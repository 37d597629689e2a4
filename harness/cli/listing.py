"""Which scenario or test runs which row, as pytest collects them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from harness import scenarios
from harness.errors import InfrastructureError
from harness.plan import PlanRow
from harness.plan.drift import Runners
from harness.plugin import row_ids

SCENARIOS = Path(scenarios.__file__).parent
PYTEST_VARIABLES = ("PYTEST_", "_PYTEST_", "PY_COLORS", "COV_CORE_")
TESTS = Path("tests")
"""Where a checkout has tests, of which some may run rows."""


def scenario_files() -> list[str]:
    """Return every scenario file by its name, as pytest would not take it for a test file."""
    return [str(file) for file in sorted(SCENARIOS.glob("*.py")) if file.stem != "__init__"]


def files_of(rows: Iterable[PlanRow]) -> list[str]:
    """Return the files with what runs these rows: all scenario files, and the files of the tests."""
    wanted = list(rows)
    scenarios = scenario_files() if any(not row.tests for row in wanted) else []
    return scenarios + sorted(_files_named_by(wanted))


def _files_named_by(rows: Iterable[PlanRow]) -> set[str]:
    return {test.partition("::")[0] for row in rows for test in row.tests}


def _files_with_markers() -> set[str]:
    """Return the test files whose text has a marker: to collect every test would take many times longer."""
    return {
        str(file) for file in TESTS.rglob("test_*.py") if "mark.plan(" in file.read_text(encoding="utf-8")
    }


def isolated() -> list[str]:
    """Return pytest's arguments for a run of rows, without the caller's own pytest configuration.

    Of the files called conftest.py only those in and below this folder are read: its tests may run rows. Of
    the installed plugins only those are loaded that a run needs: others take time in each process, and some
    change the order of tests.
    """
    here = str(Path.cwd() if TESTS.is_dir() else SCENARIOS.parent.parent)
    return [
        *("-c", os.devnull, "--rootdir", here, "--confcutdir", here, "-o", f"pythonpath={here}"),
        "--import-mode=importlib",
        *("--disable-plugin-autoload", "-p", "xdist", "-p", "timeout", "-p", "harness.plugin"),
        *("-p", "no:terminal", "-p", "no:cacheprovider"),
    ]


def pytest_main(words: list[str], plugins: Sequence[object]) -> int:
    """Run pytest without the variables for it in the caller's environment; return its exit code.

    They are meant for the caller's own tests, such as a CI's PYTEST_ADDOPTS, and worker processes inherit
    them.
    """
    theirs = {name: value for name, value in os.environ.items() if name.startswith(PYTEST_VARIABLES)}
    for name in theirs:
        del os.environ[name]
    try:
        return int(pytest.main(words, plugins=plugins))
    finally:
        os.environ |= theirs


class _Listener:
    """A pytest plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.runners = Runners()
        self.unreadable = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest for each file it has read, or could not read."""
        if report.failed:
            reason = report.longreprtext.strip().splitlines()[-1].removeprefix("E").strip()
            self.unreadable = self.unreadable or f"{report.nodeid}: {reason}"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest when it has found every test."""
        for item in session.items:
            is_scenario = item.path.parent == SCENARIOS
            into = self.runners.scenarios if is_scenario else self.runners.tests
            for row in row_ids(item):
                into[row].append(item.nodeid)
            if is_scenario and not row_ids(item):
                self.runners.unmarked.append(item.nodeid)


def collect(rows: Iterable[PlanRow]) -> Runners:
    """Return every scenario and every marked test of this checkout.

    Tests with inherited markers are found only in the files that the rows name. Raise InfrastructureError
    when a module cannot be read.
    """
    listener = _Listener()
    tests = {file for file in _files_named_by(rows) if Path(file).is_file()} | _files_with_markers()
    words = [*scenario_files(), *sorted(tests), *isolated(), "--collect-only"]
    exit_code = pytest_main(words, [listener])
    if exit_code != pytest.ExitCode.OK:
        reason = listener.unreadable or f"it ended with {pytest.ExitCode(exit_code)!r}"
        raise InfrastructureError(f"pytest could not collect what runs the plan: {reason}.")
    return listener.runners
