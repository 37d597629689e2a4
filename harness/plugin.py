"""The pytest plugin: the `plan` marker, the `run` fixture, and the record of how each test ended.

A pytest session becomes a run of the harness when one of its tests uses `run`, or when the command line names
rows; then tests that are marked with these rows count, too. Exit codes: 0 pass, 1 a broken promise, 2 wrong
usage, 3 inconclusive.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from harness.errors import CannotWrite, HarnessError, NeverReady, NotHere, UsageError
from harness.interrupts import INTERRUPTS
from harness.plan import PLAN_FILE, PlanRow, read_plan
from harness.polling_clients.profile import load_client
from harness.run import Inconclusive, Run
from harness.runner.alone import one_test_of_the_row, the_machine
from harness.runner.collector import Collector
from harness.runner.cut_off import CutOffTests
from harness.runner.ending import OUT_OF_TIME, decide, may_be_decided, require_normal_before_faults
from harness.runner.folder import new_run
from harness.runner.order import row_marks, side_by_side
from harness.runner.outcomes import broken, judged_by_its_end
from harness.runner.results import Part, Results, title, to_json
from harness.runner.screenshots import Screenshots
from harness.runner.session import ClientUnderTest, Session, Settings
from harness.stack import Services
from harness.targets.profile import load_profile

SESSION = pytest.StashKey[Session]()
SERVICES = pytest.StashKey[Services]()
"""Running services for the run to use, which a caller of pytest may put into the stash of its `Config`."""
RUN = pytest.StashKey[Run]()
SCREENSHOTS = pytest.StashKey[Screenshots]()
IS_SCENARIO = pytest.StashKey[bool]()
CANNOT_BEGIN = pytest.StashKey[HarnessError]()
"""Why a test cannot begin."""
TESTS_OF = pytest.StashKey[Counter[str]]()
"""How many tests each row has in this session."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options. Each begins with `--harness-`: every pytest session loads this plugin."""
    group = parser.getgroup("harness", "polling messaging harness")
    group.addoption(
        "--harness-target",
        default="reference",
        help="a bundled target's name, or the path of a profile (default: reference)",
    )
    group.addoption(
        "--harness-seed",
        type=int,
        default=None,
        help="the source of every random choice (default: a new one)",
    )
    group.addoption(
        "--harness-workers",
        type=int,
        default=None,
        help="the server's worker processes (default: the profile's)",
    )
    group.addoption(
        "--harness-minutes", type=float, default=2.0, help="how many minutes a long row lasts (default: 2)"
    )
    group.addoption(
        "--harness-reports", default="reports/latest", help="the folder for results (default: reports/latest)"
    )
    group.addoption(
        "--harness-plan", default=PLAN_FILE, help=f"the Markdown file with the rows (default: {PLAN_FILE})"
    )
    group.addoption("--harness-client", default=None, help=argparse.SUPPRESS)  # of `harness client`
    group.addoption("--harness-only", default=None, help="run only these rows: ids, separated by commas")
    group.addoption("--harness-asked", default="", help=argparse.SUPPRESS)  # the command line of the run
    group.addoption("--harness-run", default=None, help=argparse.SUPPRESS)  # the run's id, in each process


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; in the process that sees every report, collect the results."""
    config.addinivalue_line(
        "markers",
        "plan(*ids, alone=False, long=False, light=False): the rows of the test plan that this test runs;"
        " alone: no row beside it; long: begin early, so that no other process waits for it in the end;"
        " light: begin whether there is room or not, as it starts nothing",
    )
    if not hasattr(config, "workerinput"):  # pytest-xdist's workers have it
        if config.option.harness_seed is None:
            config.option.harness_seed = secrets.randbelow(2**32)
        if config.option.harness_run is None:
            config.option.harness_run = new_run()
        config.pluginmanager.register(Collector(config, lambda: _new_results(config)), "harness-collector")
        config.pluginmanager.register(CutOffTests(config))
    elif wanted_rows(config):
        INTERRUPTS.take()  # a terminal and the process that started this one may both send SIGINT


def pytest_keyboard_interrupt() -> None:
    """Called by pytest when it is interrupted."""
    INTERRUPTS.seen()


def row_ids(item: pytest.Item) -> list[str]:
    """Return the rows of the plan that a test names."""
    return [str(row) for mark in item.iter_markers("plan") for row in mark.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the rows asked for, in the plan's order; side by side, in the order of `side_by_side`."""
    if wanted := wanted_rows(config):
        kept = dict.fromkeys(item for row in wanted for item in items if row in row_ids(item))
        dropped = [item for item in items if item not in kept]
        items[:] = list(kept)
        config.hook.pytest_deselected(items=dropped)
        if hasattr(config, "workerinput"):
            items[:] = side_by_side(items)
    config.stash[TESTS_OF] = Counter(row for item in items for row in row_ids(item))


def wanted_rows(config: pytest.Config) -> list[str]:
    """Return the ids of the rows that the command line names, if any."""
    only = config.getoption("--harness-only")
    return str(only).split(",") if only is not None else []


@pytest.fixture(scope="session")
def services_of_the_run(request: pytest.FixtureRequest) -> Services | None:
    """The services that the scenarios of this process use; None where this is not a run of rows.

    For tests that run rows, too: they do not need to start services of their own.
    """
    return _session(request.config).services() if wanted_rows(request.config) else None


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Screenshots | None:
    """Keeps pictures of pages for the report of a run of rows; None for a test that runs no row of one."""
    node: pytest.Item = request.node
    if not _runs_rows(node):
        return None
    node.stash[SCREENSHOTS] = Screenshots(_session(node.config).settings.reports, _rows_of(node)[0])
    return node.stash[SCREENSHOTS]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """A scenario's run: a clean state, and a new server from its first use on."""
    node: pytest.Item = request.node
    node.stash[IS_SCENARIO] = True  # a fixture of another project may be called `run`, too
    name = ", ".join(row_ids(node)) or node.name
    plan = {row.id: row for row in _plan(node.config)}
    session = _session(node.config)
    with session.scenario(name, title(plan, name)) as run:
        node.stash[RUN] = run
        yield run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep other rows from a scenario that must be alone; the wait does not count as its time."""
    fixtures = getattr(item, "fixturenames", ())
    is_scenario = bool(row_ids(item)) and "run" in fixtures
    if not is_scenario and not _runs_rows(item):
        return (yield)
    with contextlib.ExitStack() as stack:
        try:
            session = _session(item.config)
            if is_scenario or "services_of_the_run" in fixtures:
                session.start_services()
            if is_scenario:
                row = ", ".join(row_ids(item))
                stack.enter_context(one_test_of_the_row(session.settings.reports, row))
            marks = {word: row_marks(item, word) for word in ("alone", "light")}
            stack.enter_context(the_machine(session.settings.reports, **marks))
        except HarnessError as error:
            item.stash[CANNOT_BEGIN] = error
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that cannot begin: here, pytest makes a report of it."""
    if CANNOT_BEGIN in item.stash:
        raise item.stash[CANNOT_BEGIN]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Let the history decide what a scenario leaves open."""
    try:
        yield
    except BaseException as error:
        run = item.stash.get(RUN, None)
        if run is not None and may_be_decided(error, run):
            require_normal_before_faults(getattr(item, "function", None), error, run)
            decide(run, in_time=not isinstance(error, OUT_OF_TIME))
        raise
    run = item.stash.get(RUN, None)
    if run is not None and (question := run.checks.open_question()):
        decide(run, in_time=True)
        raise Inconclusive(question)
    if run is not None:
        run.steady.require_after_the_last_heal()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the outcome of each phase into the verdict of the test's rows."""
    report = yield
    is_scenario = IS_SCENARIO in item.stash
    if not is_scenario and not _runs_rows(item):
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    run = item.stash.get(RUN, None)
    verdict, reason = judged_by_its_end(error, report, run, is_scenario=is_scenario)
    ended = report.when == "teardown"
    tests = {row: item.config.stash[TESTS_OF][row] or 1 for row in _rows_of(item)}
    unrecorded = _record_phase(
        item.config,
        rows=list(tests),
        tests=tests,
        when=report.when,
        begin=run.recorder.events[0]["t"] if run is not None else None,
        verdict=verdict,
        reason=reason,
        judged=run.checks.check_that_raised(error) if run is not None else 0,
        ended=ended,
        seconds=round(call.duration, 3),
        measured=run.measured if ended and run is not None else {},
        screenshots=item.stash[SCREENSHOTS].kept if ended and SCREENSHOTS in item.stash else {},
    )
    stops = unrecorded or _that_stops(error, _session(item.config), run)
    if stops is not None:
        item.session.shouldstop = str(stops)
    parts = [
        Part(
            row,
            verdict,
            seconds=call.duration,
            ended=ended,
            tests=count,
            stopped=str(stops) if stops is not None else "",
            stopped_with=stops.exit_code if stops is not None else 0,
            reason=reason,
            broken=broken(run) if report.when == "call" and run is not None else (),
        )
        for row, count in tests.items()
    ]
    report.harness_parts = to_json(parts)  # type: ignore[attr-defined]  # travels with the report
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """End what this process started; last, as an interrupted scenario records until it is torn down.

    The results are written and everything has ended before an interruption goes on.
    """
    with INTERRUPTS.held():
        try:
            return (yield)
        finally:
            if SESSION in session.config.stash:
                session.config.stash[SESSION].close()


def _record_phase(config: pytest.Config, **fields: Any) -> HarnessError | None:
    """Record how a phase of a test ended; return why that is not in the history, if it is not."""
    try:
        _session(config).record("phase", **fields)
    except HarnessError as error:
        return error
    return None


def _that_stops(error: BaseException | None, session: Session, run: Run | None) -> HarnessError | None:
    """Return the error, if no other row can be run after it.

    A server that served the row before may serve the next one.
    """
    if isinstance(error, NeverReady) and session.has_served:
        session.has_served = False
        return None
    if run is not None and run.instances.targets and not error:
        session.has_served = True
    return error if isinstance(error, UsageError | CannotWrite) and not isinstance(error, NotHere) else None


def _runs_rows(item: pytest.Item) -> bool:
    """Return whether rows were asked for, and this test runs some of them."""
    return bool(wanted_rows(item.config) and row_ids(item))


def _rows_of(item: pytest.Item) -> list[str]:
    """Return those of a test's rows that its outcome counts for: only rows that were asked for.

    Other tests of a row that was not asked for are left out, so its verdict could be too good.
    """
    ids, wanted = row_ids(item), wanted_rows(item.config)
    return [row for row in ids if not wanted or row in wanted] or [item.name]


def settings_from(config: pytest.Config) -> Settings:
    """Return what the command line asked for. Raise UsageError for a profile that cannot be used."""
    profile = load_profile(config.getoption("--harness-target"))
    return Settings(
        profile=profile,
        seed=config.getoption("--harness-seed"),
        reports=Path(config.getoption("--harness-reports")),
        workers=config.getoption("--harness-workers") or profile.workers,
        target=config.getoption("--harness-target"),
        run=config.getoption("--harness-run"),
        asked=config.getoption("--harness-asked"),
        minutes=config.getoption("--harness-minutes"),
        client=_client_under_test(config),
        process=getattr(config, "workerinput", {}).get("workerid", ""),
    )


def _client_under_test(config: pytest.Config) -> ClientUnderTest | None:
    """Return the client that is judged instead of the server; None in a run that judges a server."""
    if (name := config.getoption("--harness-client")) is None:
        return None
    profile = load_client(name).profile
    promised = {"promises": profile.promises, "has": asdict(profile.has)}
    return ClientUnderTest(profile.name, {"name": profile.name, **asdict(profile.numbers), **promised})


def _session(config: pytest.Config) -> Session:
    if SESSION not in config.stash:
        config.stash[SESSION] = Session(settings_from(config), config.stash.get(SERVICES, None))
    return config.stash[SESSION]


def _new_results(config: pytest.Config) -> Results:
    return Results(_plan(config), settings_from(config))


def _plan(config: pytest.Config) -> list[PlanRow]:
    """Return the plan's rows; none where a project has scenarios but no plan."""
    path = Path(config.getoption("--harness-plan"))
    return read_plan(path) if path.is_file() else []
