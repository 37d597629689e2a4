"""The part of the plugin that sees every report: it collects the rows and ends the run with their verdict."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.errors import UsageError
from harness.reports import Run as RunRecord
from harness.session.results import Results, from_json


class Collector:
    """A pytest plugin for the one process that sees every report, also when others run the scenarios.

    `record` is there once the run is over; both stay None in a session without scenarios.
    """

    def __init__(self, config: pytest.Config, make_results: Callable[[], Results]) -> None:
        self._config = config
        self._make_results = make_results
        self.results: Results | None = None
        self.record: RunRecord | None = None
        self._failed_reports = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each phase of a test, whichever process it ran in."""
        parts = getattr(report, "harness_parts", None)
        if parts is None:
            return
        self._failed_reports += report.failed
        if self.results is None:
            self.results = self._make_results()
        for part in from_json(parts):
            self.results.take(part)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports, and turn the verdict into the exit code."""
        if self.results is None and self._config.getoption("--harness-only") is None:
            return  # a session without scenarios
        self.results = self.results or self._make_results()
        ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        self.results.interrupted = exitstatus not in ended
        only = self._config.getoption("--harness-only")
        if only is not None and not self.results.interrupted and not self.results.stopped:
            self.results.take_missing(only.split(","))
        self.record = self.results.write()
        if self.results.stopped:
            session.exitstatus = UsageError.exit_code
        elif not self.results.interrupted and session.testsfailed <= self._failed_reports:
            session.exitstatus = self.record.exit_code  # else a test that is no scenario failed: that stands
