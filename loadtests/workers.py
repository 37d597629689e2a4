"""Several processes of Locust: the master adds up its workers' figures, including the last ones.

Locust's master waits half a second for its workers at the end of a run, which is less than a delivery takes.
So it first tells them to finish, and goes on when each has reported that it has.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from loadtests.deliveries import Deliveries

FINISH = "finish"
FINISHED = "finished"
LOOK_EVERY_S = 0.1
CONNECT_WITHIN_S = 5.0


def connect(environment: Environment, deliveries: Deliveries, *, stop_within_s: float) -> None:
    """Connect this process with its workers or its master; do nothing where it is the only process."""
    if isinstance(environment.runner, WorkerRunner):
        _report(environment, environment.runner, deliveries)
    elif isinstance(environment.runner, MasterRunner):
        _collect(environment, environment.runner, deliveries, stop_within_s)


def _report(environment: Environment, runner: WorkerRunner, deliveries: Deliveries) -> None:
    def hand_over(data: dict[str, Any], **_: Any) -> None:
        data["deliveries"] = deliveries.hand_over()

    def finish(**_: Any) -> None:
        runner.stop()
        runner.send_message(FINISHED, deliveries.hand_over())

    environment.events.report_to_master.add_listener(hand_over)
    runner.register_message(FINISH, finish, concurrent=True)


def _collect(
    environment: Environment, runner: MasterRunner, deliveries: Deliveries, stop_within_s: float
) -> None:
    finished: set[str] = set()

    def take_over(client_id: str, data: dict[str, Any], **_: Any) -> None:
        deliveries.take_over(client_id, data["deliveries"])

    def has_finished(msg: Message, **_: Any) -> None:
        deliveries.take_over(msg.node_id, msg.data)
        finished.add(msg.node_id)

    def wait_for_all(**_: Any) -> None:
        finished.clear()
        runner.send_message(FINISH)
        give_up_at = time.monotonic() + stop_within_s
        while time.monotonic() < give_up_at and not _living(runner) <= finished:
            gevent.sleep(LOOK_EVERY_S)

    environment.events.worker_report.add_listener(take_over)
    runner.register_message(FINISHED, has_finished)
    environment.events.test_stopping.add_listener(wait_for_all)


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
