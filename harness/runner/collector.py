"""The part of the plugin that sees every report: it collects the rows and ends the run with their verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.reports.record import RunRecord
from harness.runner.folder import held
from harness.runner.results import Results, from_json


class Collector:
    """A pytest plugin for the one process that sees every report, also when others run the scenarios.

    `record` is there once the run is over, if its reports could be written: else `failure` says why not. All
    stay None in a session without scenarios.
    """

    def __init__(self, config: pytest.Config, make_results: Callable[[], Results]) -> None:
        self._config = config
        self._make_results = make_results
        self.results: Results | None = None
        self.record: RunRecord | None = None
        self.failure: HarnessError | None = None
        self._folder = contextlib.ExitStack()
        self._failed_reports = 0
        self._rows_alone = config.getoption("--harness-only") is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each phase of a test, whichever process it ran in."""
        parts = getattr(report, "harness_parts", None)
        if parts is None:
            return
        self._failed_reports += report.failed
        if self.results is None:
            self.results = self._begin()
        for part in from_json(parts):
            self.results.take(part)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports, and turn the verdict into the exit code."""
        if self.results is None and not self._rows_alone:
            return  # a session without scenarios
        self.results = self.results or self._begin()
        ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        self.results.interrupted = exitstatus not in ended
        was_interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        self.results.by_signal = was_interrupted and not self.results.stopped
        only = self._config.getoption("--harness-only")
        if only is not None and not self.results.interrupted and not self.results.stopped:
            self.results.take_missing(only.split(","))
        with self._folder:
            self._write(self.results)
        if self.failure is not None:
            session.exitstatus = self.failure.exit_code
        elif self.results.stopped:
            session.exitstatus = self.results.stopped_with
        elif self.record is not None and not self.results.interrupted and self._is_verdict(session):
            session.exitstatus = self.record.exit_code

    def _is_verdict(self, session: pytest.Session) -> bool:
        """Return whether the rows alone decide: a failed test that is not a scenario decides, too.

        A run of rows has no other tests, but pytest reports a process that died as one.
        """
        return self._rows_alone or session.testsfailed <= self._failed_reports

    def _begin(self) -> Results:
        """Return new results; from now on this process holds their folder, too."""
        try:
            folder = Path(self._config.getoption("--harness-reports"))
            self._folder.enter_context(held(folder, self._config.getoption("--harness-run")))
        except UsageError as error:
            self.failure = error
        return self._make_results()

    def _write(self, results: Results) -> None:
        if self.failure is not None:
            return  # another run has the folder, or it cannot be written to
        try:
            self.record = results.write()
        except HarnessError as error:
            self.failure = error
        except ValueError as error:
            self.failure = InfrastructureError(f"The run cannot be judged by its history: {error}.")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called by pytest where it prints its own summary: print why there are no reports."""
        if self.failure is not None:
            terminalreporter.write_line(f"harness: {self.failure}", red=True)
