"""The pytest plugin: the `plan` marker, the `run` fixture, and what a scenario's outcome means.

A pytest session becomes a run of the harness as soon as one of its tests asks for `run`. Verdicts: a broken
promise or a failed assertion is a fail; whatever kept the harness from judging is inconclusive. Exit codes as
everywhere in the harness: 0 pass, 1 a promise broken, 2 wrong usage, 3 inconclusive.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.plan import PlanError, Row, read_plan
from harness.profile import load_profile
from harness.results import Results
from harness.run import Inconclusive, Run
from harness.session import Session, Settings
from harness.verdict import EXIT_CODES, Verdict

SESSION = pytest.StashKey[Session]()
RESULTS = pytest.StashKey[Results]()
RUN = pytest.StashKey[Run]()
STARTED = pytest.StashKey[float]()
PLAN_FILE = "TEST_REALTIME_MESSAGING.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option has the prefix `--harness-`: the plugin is loaded into other people's runs, too."""
    group = parser.getgroup("harness", "polling messaging harness")
    group.addoption("--harness-target", default="reference", help="a bundled target's name, or a profile's path")
    group.addoption("--harness-seed", type=int, default=None, help="the source of every random choice")
    group.addoption("--harness-workers", type=int, default=None, help="server workers (default: the profile's)")
    group.addoption("--harness-reports", default="reports/latest", help="where results are written")
    group.addoption("--harness-plan", default=PLAN_FILE, help="the Markdown file with the plan's rows")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "plan(*ids): the rows of the test plan that this test runs")


def row_ids(item: pytest.Item) -> list[str]:
    """The plan rows a test names."""
    return [str(row) for mark in item.iter_markers("plan") for row in mark.args]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """A scenario's run: a clean state, and a server of its own from its first use on."""
    node: pytest.Item = request.node
    session = _session(node.config)
    name = ", ".join(row_ids(node)) or node.name
    with session.scenario(name, _title(node)) as run:
        node.stash[RUN] = run
        yield run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A scenario that checked nothing has shown nothing."""
    yield
    run = item.stash.get(RUN, None)
    if run is not None and not run.judgements:
        raise Inconclusive("the scenario ended without a check")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the outcome of each phase into the row's verdict."""
    report = yield
    if "run" not in getattr(item, "fixturenames", ()):
        return report
    if call.excinfo is not None and call.excinfo.errisinstance(UsageError):
        pytest.exit(str(call.excinfo.value), returncode=EXIT_USAGE)
    item.stash.setdefault(STARTED, call.start)
    ended = report.when == "teardown"
    verdict, reason = _verdict(report, call)
    results = _results(item.config)
    for row in row_ids(item):
        results.add(row, _title(item), verdict, reason)
        if ended:
            results.finish(row, time.time() - item.stash[STARTED], item.stash.get(RUN, None))
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the services, write the reports, and turn the verdict into the exit code."""
    harness = session.config.stash.get(SESSION, None)
    if harness is None:
        return
    harness.close()
    interrupted = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
    result = _results(session.config).write(harness, interrupted=interrupted)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = result.exit_code


EXIT_USAGE = UsageError.exit_code


def _verdict(report: pytest.TestReport, call: pytest.CallInfo[None]) -> tuple[Verdict, str]:
    if call.excinfo is None:
        return Verdict.PASS, ""
    error = call.excinfo.value
    if report.skipped:
        return Verdict.SKIPPED, str(getattr(error, "msg", error))
    if isinstance(error, AssertionError) and report.when == "call":
        return Verdict.FAIL, _first_line(error)
    if isinstance(error, Inconclusive | HarnessError):
        return Verdict.INCONCLUSIVE, str(error)
    return Verdict.INCONCLUSIVE, f"the harness itself failed: {type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _session(config: pytest.Config) -> Session:
    if SESSION not in config.stash:
        config.stash[SESSION] = Session(settings_from(config), say=_say)
    return config.stash[SESSION]


def _results(config: pytest.Config) -> Results:
    if RESULTS not in config.stash:
        config.stash[RESULTS] = Results(_rows(config))
    return config.stash[RESULTS]
