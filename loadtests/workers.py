"""What workers tell their master, and how a run with workers ends: after they have received what was sent.

Locust's master waits half a second for its workers at the end of a run, which is less than a delivery takes.
So it first tells them to finish, and goes on when each has reported that it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from loadtests.figures import Figures
from loadtests.run import LoadRun

FINISH = "finish"
FINISHED = "finished"
LOOK_EVERY_S = 0.1
CONNECT_WITHIN_S = 5.0


class _Running(Protocol):
    run: LoadRun | None
    lines: list[bytes]
    """What a worker has recorded and not handed over."""


class Workers:
    """The workers, as their master knows them; nothing where this is the only process."""

    def __init__(self) -> None:
        self._under_way: dict[str, int] = {}
        self._finished: set[str] = set()
        self._seen: set[str] = set()

    def under_way(self) -> int:
        """Return how many messages of workers are on their way."""
        return sum(self._under_way.values())

    def lost(self) -> int:
        """Return how many workers never reported that they had finished."""
        return len(self._seen - self._finished)

    def connect(
        self,
        environment: Environment,
        figures: Figures,
        process: _Running,
        write_of: Callable[[str, bytes], None],
        *,
        stop_within_s: float,
    ) -> None:
        """Connect this process with its workers or its master; do nothing where it is the only process."""
        if isinstance(environment.runner, WorkerRunner):
            _report(environment, environment.runner, figures, process)
        elif isinstance(environment.runner, MasterRunner):
            self._collect(environment, environment.runner, figures, write_of, stop_within_s)

    def _collect(
        self,
        environment: Environment,
        runner: MasterRunner,
        figures: Figures,
        write_of: Callable[[str, bytes], None],
        stop_within_s: float,
    ) -> None:
        def take_over(worker: str, data: dict[str, Any]) -> None:
            self._seen.add(worker)
            self._under_way[worker] = data["under_way"]
            figures.add(data["figures"])
            write_of(worker, data["lines"])

        def on_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
            if data.get("load"):
                take_over(client_id, data["load"])

        def has_finished(msg: Message, **_: Any) -> None:
            take_over(msg.node_id, msg.data)
            self._finished.add(msg.node_id)

        def forget(**_: Any) -> None:
            self._under_way.clear()
            self._seen.clear()
            self._finished.clear()

        def wait_for_all(**_: Any) -> None:
            runner.send_message(FINISH)
            give_up_at = time.monotonic() + stop_within_s
            while time.monotonic() < give_up_at and not _living(runner) <= self._finished:
                gevent.sleep(LOOK_EVERY_S)

        environment.events.test_start.add_listener(forget)
        environment.events.worker_report.add_listener(on_report)
        runner.register_message(FINISHED, has_finished)
        environment.events.test_stopping.add_listener(wait_for_all)


def _report(environment: Environment, runner: WorkerRunner, figures: Figures, process: _Running) -> None:
    def hand_over() -> dict[str, Any]:
        under_way = 0
        if process.run is not None:
            process.run.count_cpu()
            under_way = process.run.deliveries.under_way()
        lines = b"".join(process.lines)
        message = {"under_way": under_way, "figures": figures.to_message(), "lines": lines}
        process.lines.clear()
        figures.clear()
        return message

    def on_report(data: dict[str, Any], **_: Any) -> None:
        data["load"] = hand_over() if process.run else None

    def finish(**_: Any) -> None:
        runner.stop()
        runner.send_message(FINISHED, hand_over())

    environment.events.report_to_master.add_listener(on_report)
    runner.register_message(FINISH, finish, concurrent=True)


def dismiss(environment: Environment) -> None:
    """End the workers of a run that does not start; without this they wait a minute for their master."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    give_up_at = time.monotonic() + CONNECT_WITHIN_S
    expected = environment.parsed_options.expect_workers if environment.parsed_options else 0
    while time.monotonic() < give_up_at and len(runner.clients.ready) < expected:
        gevent.sleep(LOOK_EVERY_S)
    runner.quit()


def _living(runner: MasterRunner) -> set[str]:
    return {client.id for client in runner.clients.all if client.state != STATE_MISSING}
