"""One run of the harness: its services, its history file, and the results of its rows."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.faults import FaultInjector
from harness.history import HistoryFile, Recorder
from harness.profile import Profile
from harness.run import Run
from harness.stack import Services, start_target

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What a run was asked for. `seed` is the one source of every random choice."""

    profile: Profile
    seed: int
    reports: Path


class Session:
    """Starts services when the first scenario needs them and ends them with the run."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = settings
        self.started_at = datetime.now(UTC)
        self.began = time.monotonic()
        self._say = say
        self._stack = contextlib.ExitStack()
        self._services: Services | None = None
        self._history = self._open_history()

    @property
    def services(self) -> Services:
        """The running services, started at the first call.

        Raises UsageError when one is missing, InfrastructureError when one does not start.
        """
        if self._services is None:
            self._services = self._stack.enter_context(Services(say=self._say))
        return self._services

    def environment(self) -> dict[str, dict[str, str]]:
        """Each service's version and origin, as far as services were started."""
        found = self._services.found if self._services else {}
        return {name: {"version": it.version, "origin": it.origin} for name, it in found.items()}

    @contextlib.contextmanager
    def scenario(self, row: str, title: str) -> Iterator[Run]:
        """A run of one row from a clean state: no faults, an empty queue, a new database, a new server."""
        services = self.services
        services.reset()
        recorder = self._history.recorder(
            row=row, title=title, seed=self.settings.seed, bounds=self.settings.profile.bounds
        )
        with contextlib.ExitStack() as cleanup:
            run = Run(
                profile=self.settings.profile,
                recorder=recorder,
                faults=FaultInjector(services, recorder.record),
                start=lambda: cleanup.enter_context(self._target(row)),
                seed=random.Random(f"{self.settings.seed}:{row}").getrandbits(64),
            )
            cleanup.callback(run.close)
            yield run

    def close(self) -> None:
        """End everything this run started."""
        self._stack.close()

    @contextlib.contextmanager
    def _target(self, row: str) -> Iterator[str]:
        with running_target(self.settings.profile, self.services, database=f"plan_{row}".replace("-", "_")) as url:
            yield url

    def _open_history(self) -> HistoryFile:
        path = self.settings.reports / "history.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return self._stack.enter_context(HistoryFile(path))
