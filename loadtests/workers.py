"""What workers and their master tell each other, beside what Locust does, and how a run with workers ends.

Workers compare their clocks with the master's, and tell each other by way of the master who their users are
and what these received. At the end of a run Locust's master waits half a second for its workers, less than a
delivery takes. So it first tells them to finish, lets their users leave when nothing is on its way any more,
and goes on when each has handed over what it counted.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import gevent
from locust.env import Environment
from locust.rpc import Message as Told
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from harness.adapters import Message
from harness.client import Malformed
from harness.history import NS_PER_S
from loadtests.clocks import Clock
from loadtests.deliveries import Arrival, Delivered
from loadtests.figures import Figures
from loadtests.peers import Exchange
from loadtests.run import LoadRun

FINISH, FINISHED, LEAVE = "load finish", "load finished", "load leave"
TIME, NEWS = "load time", "load news"
LOOK_EVERY_S = 0.1
TELL_EVERY_S = 0.25
CONNECT_WITHIN_S = 5.0
QUICK_READINGS = 8
"""So many readings of the master's clock are made at once; then one a second."""
SETTLES_WITHIN_S = 2.0


class Running(Protocol):
    """What a process knows of its test."""

    run: LoadRun | None
    figures: Figures
    lines: list[bytes]
    """What a worker has recorded and not handed over."""

    def write_of(self, worker: str, lines: bytes) -> None:
        """Write what a worker has recorded."""

    def report(self, delivered: Delivered) -> None:
        """Show the end of a message in Locust's table."""


class Workers:
    """The workers, as their master knows them, or the one that this process is; nothing where it is alone."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._exchange = Exchange()
        self._errors_ns: dict[str, int] = {}
        self._under_way: dict[str, int] = {}
        self._finished: set[str] = set()
        self._seen: set[str] = set()

    def under_way(self) -> int:
        """Return how many messages of workers are on their way."""
        return sum(self._under_way.values())

    def lost(self) -> int:
        """Return how many workers never reported that they had finished."""
        return len(self._seen - self._finished)

    def clock_error_s(self) -> float:
        """Return how wrong the time of any worker may be."""
        return max(self._errors_ns.values(), default=0) / NS_PER_S

    def connect(self, environment: Environment, process: Running, *, stop_within_s: float) -> None:
        """Connect this process with its workers or its master; do nothing where it is the only process."""
        if isinstance(environment.runner, WorkerRunner):
            self.clock = Clock(is_the_master_s=False)
            _Worker(environment, environment.runner, process, self.clock)
        elif isinstance(environment.runner, MasterRunner):
            self._collect(environment, environment.runner, process, stop_within_s)

    def dismiss(self, environment: Environment) -> None:
        """End the workers of a run that does not start; without this they wait a minute for their master.

        Each must have asked for the time before: a worker that is told to quit while it still starts
        goes on (Locust 2.47).
        """
        runner = environment.runner
        if not isinstance(runner, MasterRunner):
            return
        give_up_at = time.monotonic() + CONNECT_WITHIN_S
        expected = environment.parsed_options.expect_workers if environment.parsed_options else 0
        while time.monotonic() < give_up_at and len(self._errors_ns) < expected:
            gevent.sleep(LOOK_EVERY_S)
        runner.quit()

    def _collect(
        self, environment: Environment, runner: MasterRunner, process: Running, stop_within_s: float
    ) -> None:
        def take_over(worker: str, data: dict[str, Any]) -> None:
            self._seen.add(worker)
            self._under_way[worker] = data["under_way"]
            process.figures.add(data["figures"])
            process.write_of(worker, data["lines"])

        def on_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
            if data.get("load"):
                take_over(client_id, data["load"])

        def has_finished(msg: Told, **_: Any) -> None:
            take_over(msg.node_id, msg.data)
            self._finished.add(msg.node_id)

        def tell_time(msg: Told, **_: Any) -> None:
            self._errors_ns[msg.node_id] = msg.data["error_ns"]
            data = {"asked_ns": msg.data["asked_ns"], "master_ns": time.monotonic_ns()}
            runner.send_message(TIME, data, client_id=msg.node_id)

        def pass_on(msg: Told, **_: Any) -> None:
            for worker, news in self._exchange.take(msg.node_id, msg.data).items():
                runner.send_message(NEWS, news, client_id=worker)

        def forget(**_: Any) -> None:
            self._under_way.clear()
            self._seen = _living(runner)  # also one that is lost before its first report
            self._finished.clear()
            self._exchange.forget()

        def wait_for_all(**_: Any) -> None:
            runner.send_message(FINISH)
            give_up_at, may_leave = time.monotonic() + stop_within_s, False
            while time.monotonic() < give_up_at and not _living(runner) <= self._finished:
                for worker, news in self._exchange.lose(_living(runner)).items():
                    runner.send_message(NEWS, news, client_id=worker)
                if not may_leave and self._exchange.is_quiet(_living(runner)):
                    may_leave = True
                    runner.send_message(LEAVE)
                gevent.sleep(LOOK_EVERY_S)

        environment.events.test_start.add_listener(forget)
        environment.events.worker_report.add_listener(on_report)
        environment.events.test_stopping.add_listener(wait_for_all)
        runner.register_message(FINISHED, has_finished)
        runner.register_message(TIME, tell_time)
        runner.register_message(NEWS, pass_on)


class _Worker:
    """The part of a worker."""

    def __init__(
        self, environment: Environment, runner: WorkerRunner, process: Running, clock: Clock
    ) -> None:
        self._runner, self._process, self._clock = runner, process, clock
        environment.events.report_to_master.add_listener(self._on_report)
        runner.register_message(FINISH, self._finish, concurrent=True)
        runner.register_message(TIME, self._heard_time)
        runner.register_message(NEWS, self._heard_news)
        runner.register_message(LEAVE, self._may_leave)
        gevent.spawn(self._read_clock)
        gevent.spawn(self._tell_news)

    def _hand_over(self) -> dict[str, Any]:
        process, under_way = self._process, 0
        if process.run is not None:
            process.run.count_cpu()
            under_way = process.run.deliveries.under_way()
        lines = b"".join(process.lines)
        message = {"under_way": under_way, "figures": process.figures.to_message(), "lines": lines}
        process.lines.clear()
        process.figures.clear()
        return message

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        data["load"] = self._hand_over() if self._process.run else None

    def _finish(self, **_: Any) -> None:
        self._runner.stop()
        settled_by = time.monotonic() + SETTLES_WITHIN_S
        while time.monotonic() < settled_by and self._has_open():  # until others have told what they received
            gevent.sleep(LOOK_EVERY_S)
        self._runner.send_message(FINISHED, self._hand_over())

    def _has_open(self) -> bool:
        return self._process.run is not None and self._process.run.deliveries.under_way() > 0

    def _read_clock(self) -> None:
        readings = 0
        while True:
            now_ns = time.monotonic_ns()
            self._runner.send_message(TIME, {"asked_ns": now_ns, "error_ns": self._clock.error_ns(now_ns)})
            readings += 1
            gevent.sleep(LOOK_EVERY_S if readings < QUICK_READINGS else 1.0)

    def _heard_time(self, msg: Told, **_: Any) -> None:
        self._clock.heard(msg.data["asked_ns"], msg.data["master_ns"], time.monotonic_ns())

    def _tell_news(self) -> None:
        while True:
            gevent.sleep(TELL_EVERY_S)
            if (run := self._process.run) is not None:
                is_sending = not run.is_stopping or run.at_once > 0
                news = run.peers.to_master(run.deliveries.under_way() + is_sending)
                self._runner.send_message(NEWS, news)

    def _heard_news(self, msg: Told, **_: Any) -> None:
        if (run := self._process.run) is not None:
            run.peers.from_master(msg.data, arrived=self._arrived, gone=self._gone)

    def _arrived(self, message: Message, mailbox: str, arrival: Arrival) -> None:
        assert self._process.run is not None
        try:
            delivered = self._process.run.deliveries.arrived(message, mailbox, arrival)
        except Malformed as error:
            delivered = Delivered(0, error)
        if delivered is not None:
            self._process.report(delivered)

    def _gone(self, name: str, polled_ns: int) -> None:
        assert self._process.run is not None
        for lost in self._process.run.deliveries.give_up(name, polled_ns, time.monotonic_ns()):
            self._process.report(lost)

    def _may_leave(self, **_: Any) -> None:
        if self._process.run is not None:
            self._process.run.peers.is_quiet = True


def _living(runner: MasterRunner) -> set[str]:
    return {client.id for client in runner.clients.all if client.state != STATE_MISSING}
