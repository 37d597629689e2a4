"""The pytest plugin: the `plan` marker, the `run` fixture, and what a scenario's outcome means.

A pytest session becomes a run of the harness as soon as one of its tests asks for `run`. Verdicts: a broken
promise or a failed assertion is a fail; whatever kept the harness from judging is inconclusive. Exit codes as
everywhere in the harness: 0 pass, 1 a promise broken, 2 wrong usage, 3 inconclusive.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.plan import PLAN_FILE, Row, read_plan
from harness.profile import load_profile
from harness.reports import Run as RunRecord
from harness.results import Results
from harness.run import Inconclusive, Run
from harness.session import Session, Settings
from harness.verdict import Verdict

SESSION = pytest.StashKey[Session]()
RESULTS = pytest.StashKey[Results]()
RECORD = pytest.StashKey[RunRecord]()
RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option has the prefix `--harness-`: the plugin is loaded into other people's runs, too."""
    group = parser.getgroup("harness", "polling messaging harness")
    group.addoption(
        "--harness-target", default="reference", help="a bundled target's name, or a profile's path"
    )
    group.addoption("--harness-seed", type=int, default=None, help="the source of every random choice")
    group.addoption(
        "--harness-workers", type=int, default=None, help="server workers (default: the profile's)"
    )
    group.addoption("--harness-reports", default="reports/latest", help="where results are written")
    group.addoption("--harness-plan", default=PLAN_FILE, help="the Markdown file with the plan's rows")
    group.addoption("--harness-only", default=None, help="run these rows alone: ids with commas between")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "plan(*ids): the rows of the test plan that this test runs")


def row_ids(item: pytest.Item) -> list[str]:
    """The plan rows a test names."""
    return [str(row) for mark in item.iter_markers("plan") for row in mark.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the rows asked for, in the plan's order."""
    only = config.getoption("--harness-only")
    if only is None:
        return
    wanted = only.split(",")
    kept = [item for row in wanted for item in items if row in row_ids(item)]
    dropped = [item for item in items if item not in kept]
    items[:] = list(dict.fromkeys(kept))
    config.hook.pytest_deselected(items=dropped)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """A scenario's run: a clean state, and a server of its own from its first use on."""
    node: pytest.Item = request.node
    name = ", ".join(row_ids(node)) or node.name
    with _session(node.config).scenario(name, _results(node.config).title(name)) as run:
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
    """Turn the outcome of each phase into the verdict of the test's rows."""
    report = yield
    if "run" not in getattr(item, "fixturenames", ()):
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, UsageError):
        _results(item.config).stopped = str(error)
        item.session.shouldstop = str(error)
    verdict, reason = _verdict(error, report)
    for row in row_ids(item):
        _results(item.config).add(row, verdict, reason, seconds=call.duration)
        if report.when == "teardown":
            _results(item.config).end(row, item.stash.get(RUN, None))
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the services, write the reports, and turn the verdict into the exit code."""
    harness = session.config.stash.get(SESSION, None)
    if harness is None:
        return
    harness.close()
    results = _results(session.config)
    results.interrupted = exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    record = session.config.stash[RECORD] = results.write(harness)
    if results.stopped:
        session.exitstatus = UsageError.exit_code
    elif not results.interrupted:
        session.exitstatus = record.exit_code


def _verdict(error: BaseException | None, report: pytest.TestReport) -> tuple[Verdict, str]:
    if error is None:
        return Verdict.PASS, ""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    if report.skipped:
        return Verdict.SKIPPED, said
    if isinstance(error, AssertionError) and report.when == "call":
        return Verdict.FAIL, said
    if isinstance(error, Inconclusive | HarnessError):
        return Verdict.INCONCLUSIVE, said
    if isinstance(error, KeyboardInterrupt):
        return Verdict.INCONCLUSIVE, "interrupted"
    return Verdict.INCONCLUSIVE, f"the harness itself failed: {type(error).__name__}: {said}"


def _session(config: pytest.Config) -> Session:
    if SESSION not in config.stash:
        seed = config.getoption("--harness-seed")
        profile = load_profile(config.getoption("--harness-target"))
        settings = Settings(
            profile=profile,
            seed=secrets.randbelow(2**32) if seed is None else seed,
            reports=Path(config.getoption("--harness-reports")),
            workers=config.getoption("--harness-workers") or profile.workers,
        )
        config.stash[SESSION] = Session(settings, say=_sayer(config))
    return config.stash[SESSION]


def _sayer(config: pytest.Config) -> Callable[[str], None]:
    """Lines of progress go to whoever shows the run's: our own front, else pytest's terminal."""
    progress = config.pluginmanager.get_plugin("harness-progress")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if progress is not None:
        return progress.say  # type: ignore[no-any-return]  # pluggy's plugins are untyped
    return terminal.write_line if terminal is not None else lambda line: None


def _results(config: pytest.Config) -> Results:
    if RESULTS not in config.stash:
        config.stash[RESULTS] = Results(_rows(Path(config.getoption("--harness-plan"))))
    return config.stash[RESULTS]


def _rows(plan: Path) -> list[Row]:
    """The plan's rows; none where a project keeps its scenarios without a plan."""
    return read_plan(plan) if plan.is_file() else []
