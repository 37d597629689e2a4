"""What a run shows while it runs and at its end: pytest's events in, lines out."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from rich.console import Console

from harness.checkers.pressure import TOO_BUSY
from harness.cli.console import insist
from harness.cli.live import LiveView
from harness.cli.watching import Watching
from harness.errors import CannotWrite, HarnessError, InfrastructureError, OutputLost, UsageError
from harness.history.recorder import REMEDY
from harness.interrupts import INTERRUPTS
from harness.reports import terminal
from harness.reports.at_once import StoriesAtOnce
from harness.runner.collector import Collector
from harness.runner.results import Ended, Results
from harness.verdict import Verdict


class Progress:
    """A pytest plugin that replaces pytest's terminal output: one line for each row, a summary at the end."""

    def __init__(self, console: Console, watching: Watching, *, rows: int) -> None:
        self._console = console
        self._watching = watching
        self._view = LiveView(console, watching.look)
        self._shown = contextlib.ExitStack()
        self._rows = rows
        self._done = 0
        self._stories = StoriesAtOnce()
        self._collector: Collector | None = None
        self._failure: HarnessError | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Called by pytest at its start."""
        self._collector = config.pluginmanager.get_plugin("harness-collector")
        self._shown.enter_context(self._view.shown())

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        """Called by pytest-xdist when it has started a process that will run rows."""
        INTERRUPTS.hand_on_to(gateway._rinfo().pid)

    def pytest_keyboard_interrupt(self) -> None:
        """Called by pytest when the run is interrupted, before it ends what runs."""
        self._watching.is_interrupted = True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Called by pytest when a test begins, whichever process it runs in."""
        self._watching.test_begins(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Called by pytest when a test has ended, its teardown included."""
        self._watching.test_ended(nodeid)
        results = self._collector.results if self._collector else None
        try:
            if results is not None:
                for row in results.newly_ended():
                    self._show(row, results)
            if self._view.lost is not None:
                raise self._view.lost
        except OutputLost as error:
            self._failure = error
            pytest.exit(str(error), returncode=error.exit_code)

    def _show(self, row: Ended, results: Results) -> None:
        """Print how a row ended; of one that failed at once why, and what that means."""
        self._done += 1
        self._watching.row_ended(row.id, row.verdict, row.seconds)
        count = f"{self._done:>{len(str(self._rows))}}/{self._rows}  "
        width, again = self._console.width, results.command_of(row.id)
        lines = [terminal.headline(row, width, before=count), *self._stories.of(row, width, again=again)]
        for line in lines:
            if row.verdict is Verdict.FAIL:
                insist(self._console, line)
            else:
                self._console.print(line, soft_wrap=True)
        self._view.said()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest for each file that it has collected."""
        if report.failed:
            self._failure = InfrastructureError(
                f"The tests that run the rows cannot be read: {report.nodeid}: {report.longreprtext}"
            )

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Called by pytest when it or a plugin failed; True keeps it from printing a traceback."""
        error = excinfo.value
        if isinstance(error, HarnessError):
            self._failure = error
        elif isinstance(error, OSError):
            self._failure = CannotWrite(error.filename or "A file", error, remedy=REMEDY)
        else:
            self._failure = InfrastructureError(f"pytest failed: {type(error).__name__}: {error}")
        return isinstance(error, HarnessError | OSError)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Called by pytest at the end, after the results are written."""
        self.stop()
        if self._collector and self._collector.record and not isinstance(self._failure, OutputLost):
            terminal.show_run(self._collector.record, self._console)
            if self._console.quiet:
                insist(self._console, terminal.last_line(self._collector.record, self._console.width))

    def stop(self) -> None:
        """End the view, if that was not done."""
        self._shown.close()

    def too_busy(self) -> list[str]:
        """Return the rows for which the machine was too busy; none if another row did not pass."""
        record = self._collector.record if self._collector else None
        rows = [row for row in record.rows if row.verdict is not Verdict.PASS] if record else []
        innocent = all(row.verdict is Verdict.INCONCLUSIVE and TOO_BUSY in row.reason for row in rows)
        return [row.id for row in rows] if innocent else []

    def exit_code(self, pytest_code: int) -> int:
        """Return the harness's exit code for pytest's.

        Raise UsageError when the user has to change something first, KeyboardInterrupt when the run was
        interrupted, InfrastructureError when pytest itself failed or something could not be written.
        """
        results = self._collector.results if self._collector else None
        failure = self._collector.failure if self._collector else None
        if results is not None and results.stopped:
            kind = UsageError if results.stopped_with == UsageError.exit_code else InfrastructureError
            sentence, _, last_lines = results.stopped.partition("\n")
            raise kind(sentence, last_lines=last_lines)
        if (error := self._failure or failure) is not None:
            raise error
        if pytest_code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if results is None or pytest_code > pytest.ExitCode.INTERNAL_ERROR:
            raise InfrastructureError(f"pytest ran none of these rows; its exit code was {int(pytest_code)}.")
        return int(pytest_code)
