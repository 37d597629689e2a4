"""One set of services for many runs of pytest, one after the other: to start them takes longer than a row."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

import pytest

from harness.plugin import SERVICES
from harness.stack import Services
from harness.stack.stores import Stores

MOST_RUNS = 25
"""On one set of services: each run leaves a database behind."""


class SharedServices:
    """A pytest plugin: the run uses these services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def pytest_configure(self, config: pytest.Config) -> None:
        """Called by pytest at its start."""
        config.stash[SERVICES] = self._services


class OneStack:
    """Services that start with the first run, and new ones after MOST_RUNS or when `renew` was called."""

    def __init__(self, stores: Stores, logs: Path) -> None:
        self._stores = stores
        self._logs = logs
        self._stack = contextlib.ExitStack()
        self._services: Services | None = None
        self._runs = 0

    def for_a_run(self) -> SharedServices:
        """Return the services for one more run."""
        if self._runs >= MOST_RUNS:
            self.renew()
        if self._services is None:
            self._services = self._stack.enter_context(Services(logs=self._logs, stores=self._stores))
        self._runs += 1
        return SharedServices(self._services)

    def renew(self) -> None:
        """End the services; the next run has new ones."""
        self._services, self._runs = None, 0
        self._stack.close()

    def __enter__(self) -> OneStack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.renew()
