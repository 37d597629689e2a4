"""Tests that an interrupt cut off, told in `junit.xml`: pytest writes a test case without a name for each."""

from __future__ import annotations

import pytest
from _pytest.junitxml import LogXML

from harness.reports.words import INTERRUPTED


class CutOffTests:
    """A pytest plugin of the process that writes `junit.xml`: such a test was neither passed nor failed."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager
        self._begun: dict[str, pytest.TestReport] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each phase of a test, whichever process it ran in."""
        if report.when == "setup" and report.passed:
            self._begun[report.nodeid] = report
        else:
            self._begun.pop(report.nodeid, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Report them as skipped to what writes the file, and to nothing else."""
        writers = [plugin for plugin in self._plugins.get_plugins() if isinstance(plugin, LogXML)]
        for setup in self._begun.values():
            path, line, _ = setup.location
            cut_off = pytest.TestReport(
                nodeid=setup.nodeid,
                location=setup.location,
                keywords=setup.keywords,
                outcome="skipped",
                longrepr=(path, line or 0, f"Skipped: {INTERRUPTED}"),
                when="call",
            )
            for writer in writers:
                writer.pytest_runtest_logreport(cut_off)
