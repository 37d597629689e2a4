"""One run of the harness: its services, its history file, and a clean state for every scenario."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CannotWrite
from harness.faults import FaultInjector
from harness.history import Event, HistoryFile
from harness.history.recorder import REMEDY
from harness.run import Run
from harness.run.clusters import Clusters
from harness.run.queues import Queues
from harness.run.vitals import Vitals
from harness.runner.alone import beside_no_row_alone
from harness.runner.folder import HISTORY, held
from harness.runner.machine import MachineWatch
from harness.stack import Services
from harness.targets.instances import Instances
from harness.targets.profile import Profile


@dataclass(frozen=True)
class ClientUnderTest:
    """A polling client: its name, and what the `begin` event says of it."""

    name: str
    promised: Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """What a run was asked for. `seed` is the one source of every random choice."""

    profile: Profile
    seed: int
    reports: Path
    workers: int
    run: str = ""
    """The same in every process of this run, and in no other run."""
    asked: str = ""
    """The command line that asks for the same again; '' if pytest was called without one."""
    minutes: float = 2.0
    """How many minutes a long row lasts."""
    client: ClientUnderTest | None = None
    """The polling client that is judged instead of the server, if one is."""
    target: str = "reference"
    """How the command line named the profile."""
    process: str = ""
    """Which of several processes this is; '' if it is the only one."""


class Session:
    """Starts services when the first scenario needs them and ends them with the run.

    `services` that are given are used instead, and left running.
    """

    def __init__(self, settings: Settings, services: Services | None = None) -> None:
        self.settings = settings
        self.has_served = False
        """Whether the server under test served when it was started last."""
        self._stack = contextlib.ExitStack()
        self._services = services
        self._are_recorded = False
        """Whether the history says which services these are."""
        self._logs = settings.reports / "logs"
        self._stack.enter_context(held(settings.reports, settings.run))
        self._history = self._open_history()

    def start_services(self) -> None:
        """Start the services, unless they run, while no row is alone on the machine. Raise as `services`."""
        if self._services is None:
            with beside_no_row_alone(self.settings.reports):
                self.services()

    def services(self) -> Services:
        """Return the running services, which the first call starts.

        Raise UsageError when one is missing, InfrastructureError when one does not start.
        """
        if self._services is None:
            logs, stores = self._logs / self.settings.process, self.settings.profile.stores
            self._services = self._stack.enter_context(Services(logs=logs, stores=stores))
        if not self._are_recorded:
            found = self._services.found.items()
            versions = {name: {"version": it.version, "origin": it.origin} for name, it in found}
            self.record("environment", found=versions)
            self._are_recorded = True
        return self._services

    @contextlib.contextmanager
    def scenario(self, row: str, title: str) -> Iterator[Run]:
        """Yield a run of one row in a clean state: no faults, empty queues, a new database, a new server."""
        services = self.services()
        services.reset()
        profile = self.settings.profile
        recorder = self._history.recorder(
            row=row,
            title=title,
            seed=self.settings.seed,
            bounds=profile.bounds,
            policy=profile.policy,
            semantics=profile.semantics,
            client=self.settings.client.promised if self.settings.client else None,
        )
        instances = Instances(profile, services, logs=self._logs, name=row, workers=self.settings.workers)
        clusters = Clusters(services, instances)
        vitals = Vitals(instances, services, recorder)
        run = Run(
            profile=profile,
            recorder=recorder,
            faults=FaultInjector(services, recorder.record, instances),
            instances=instances,
            clusters=clusters,
            vitals=vitals,
            minutes=self.settings.minutes,
            queues=Queues(services.redis_direct_url, limit=profile.bounds.retained_messages),
            seed=random.Random(f"{self.settings.seed}:{row}").getrandbits(64),
        )
        run.faults.before_the_first = run.steady.require_before_the_first_fault
        try:
            with MachineWatch(recorder.record):
                yield run
        finally:
            try:
                run.close()
                vitals.close()
            finally:
                with contextlib.closing(clusters):
                    instances.stop()

    def record(self, kind: str, **fields: Any) -> Event:
        """Write an event of the whole run, and return it. Raise CannotWrite."""
        return self._history.record(kind, **fields)

    def close(self) -> None:
        """End everything this run started."""
        self._stack.close()

    def _open_history(self) -> HistoryFile:
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(self._logs, error, remedy=REMEDY) from error
        return self._stack.enter_context(HistoryFile(self.settings.reports / HISTORY))
