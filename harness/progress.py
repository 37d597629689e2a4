"""What a run shows while it runs, and at its end: pytest's events in, lines out."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.status import Status
from rich.text import Text

from harness.errors import InfrastructureError, UsageError
from harness.plugin import RECORD, RESULTS, row_ids
from harness.reports import terminal


class Progress:
    """A pytest plugin in the place of pytest's own terminal output: a line a row, a table at the end."""

    def __init__(self, console: Console, *, rows: int, seed: int, target: str) -> None:
        self._console = console
        self._rows = rows
        self._seed = seed
        self._target = target
        self._done = 0
        self._status: Status = console.status("")
        self._config: pytest.Config | None = None

    def say(self, line: str) -> None:
        """Show a line of progress from the stack."""
        self._console.print(Text(line, style="dim"))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest when it knows what it will run."""
        self._config = session.config
        self._console.print(
            f"Test plan: {self._rows} row{'s' * (self._rows != 1)} against the target '{self._target}',"
            f" seed {self._seed}\n"
        )
        self._status.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Called by pytest when a test starts; shown on a terminal only, and gone when the test ends."""
        self._status.update(f"{', '.join(row_ids(item))} is running ({self._done + 1}/{self._rows})")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Called by pytest when a test has ended, its teardown included."""
        self._done += 1
        if self._config is None or RESULTS not in self._config.stash:
            return
        for row in self._config.stash[RESULTS].newly_ended():
            verdict = Text(f"{row.verdict:<13}", style=terminal.STYLES[row.verdict])
            count = f"{self._done:>3}/{self._rows}  {row.id:<9} "
            self._console.print(Text(count).append(verdict).append(f"{row.seconds:6.1f} s  {row.title}"))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Called by pytest at the end, after the results are written."""
        self._status.stop()
        record = session.config.stash.get(RECORD, None)
        if record is not None:
            terminal.show_run(record, self._console)

    def exit_code(self, pytest_code: int) -> int:
        """The harness's exit code for pytest's.

        Raises UsageError when something has to be changed first, KeyboardInterrupt when the run was
        interrupted, InfrastructureError when pytest itself failed.
        """
        results = self._config.stash.get(RESULTS, None) if self._config else None
        if results is not None and results.stopped:
            raise UsageError(results.stopped)
        if pytest_code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if pytest_code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise InfrastructureError(
                f"pytest found nothing to run for these rows (its exit code: {pytest_code})."
            )
        return int(pytest_code)
