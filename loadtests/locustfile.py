"""Locust users who chat by polling, at a load that no server slows down, and a verdict on every message.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000    # Locust's page, against any server
    python3 -m nox -s load                                            # headless, against the reference

docs/load.md says what is measured, and how a run of several machines is started. What each user does is in
`loadtests/users.py`; here it is tied to Locust.
"""

from __future__ import annotations

import logging
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import gevent
from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import STATE_STOPPED, LocalRunner, WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.cli import streams
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.runner.machine import MachineWatch
from harness.targets.profile import load_profile
from harness.verdict import EXIT_CODES, Verdict
from loadtests import hosts, options, workers
from loadtests.connections import Server
from loadtests.deliveries import Delivered
from loadtests.faults import Break, fault_named
from loadtests.figures import Figures
from loadtests.page import add_tab
from loadtests.recording import Recording
from loadtests.results import Folder, reason_of
from loadtests.run import LoadRun, promises_of
from loadtests.schedule import SHAPES
from loadtests.users import ChatUser, report
from loadtests.verdicts import Circumstances, Totals

STOP_WITHIN_S = 30.0
INTERRUPTED = 130
logger = logging.getLogger(__name__)


class _Process:
    """What this process knows; `run` is None before a test has begun."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.run: LoadRun | None = None
        self.workers = workers.Workers()
        self.lines: list[bytes] = []
        self.folder: Folder | None = None
        """Of the results; a worker has none."""
        self.verdict: Verdict | None = None
        self.reason = ""
        self._watch: MachineWatch | None = None
        self._break: Break | None = None
        self._breaking: gevent.Greenlet[..., None] | None = None

    def begin(self, environment: Environment) -> None:
        """Begin a test, and forget the one before. Raise UsageError, CannotWrite."""
        if self.run is not None:
            self.end()
        self.figures.clear()
        self.lines.clear()
        self._break = None
        self.verdict = None
        chosen = _options(environment)
        write: Callable[[bytes], Any] = self.lines.append
        if not _is_worker(environment):
            self.hold_folder(environment)
        if self.folder is not None:
            self.folder.begin(clock_error_s=self.workers.clock_error_s())
            write = self.folder.write
        index = max(0, getattr(environment.runner, "worker_index", 0))
        recording = Recording(
            write, seed=chosen.seed, share=chosen.load_share, worker=index, clock=self.workers.clock
        )
        self.run = _new_run(
            environment,
            self.figures,
            worker=index,
            recording=recording,
            clock=self.workers.clock,
            is_alone=isinstance(environment.runner, LocalRunner),
        )
        self._watch = MachineWatch(self.run.busy.record)
        self._watch.__enter__()
        if self.folder is not None and (span := self.run.load.fault()):
            self._break = Break(fault_named(chosen.fault), self.folder.recorder.record)
            self._breaking = gevent.spawn(self._break.run, span[0], span[1] - span[0])

    def hold_folder(self, environment: Environment) -> None:
        """Hold the folder of the results, if that is not done yet. Raise UsageError, CannotWrite."""
        chosen = _options(environment)
        if self.folder is None:
            self.folder = Folder(chosen, load_profile(chosen.target))

    def end(self) -> None:
        """End what watches this machine, and let others use the folder."""
        self.heal()
        if self._watch is not None:
            self._watch.__exit__(None, None, None)
            self._watch = None
        if self.folder is not None:
            self.folder.close()
            self.folder = None

    def heal(self) -> None:
        """End the fault, if there is one."""
        if self._breaking is not None:
            self._breaking.kill()  # which heals
            self._breaking = None

    def judge(self, environment: Environment) -> None:
        """Write and print the results of the test that has ended. Raise CannotWrite."""
        if self.run is None or self.folder is None:
            return
        self.run.count_cpu()
        totals = self._totals(self.run, environment)
        was_drained = self.figures.counts["left"] == self.figures.counts["users"] and not self.workers.lost()
        chosen = _options(environment)
        named = {name: getattr(chosen, name) for name in ("seed", "shape", "send_every", "load_share")}
        try:
            record = self.folder.judge(totals, was_drained=was_drained, about=named)
            self.verdict, self.reason = record.verdict, reason_of(record)
        finally:
            self.end()

    def _totals(self, run: LoadRun, environment: Environment) -> Totals:
        about = Circumstances(
            crashes=len(environment.runner.exceptions) if environment.runner else 0,
            under_way=run.deliveries.under_way() + self.workers.under_way(),
            lost_workers=self.workers.lost(),
            is_broken_on_purpose=run.load.shape.fault is not None,
            promises=promises_of(run.profile),
            problem=self._break.problem if self._break else "",
        )
        return Totals(self.figures, run.profile.bounds, about, run.since_begin_s())

    def so_far(self, environment: Environment) -> tuple[Totals, str] | None:
        """Return what is counted so far, and the verdict once there is one; None before the first test."""
        if self.run is None:
            return None
        self.run.count_cpu()
        said = f"{self.verdict} {self.reason}".rstrip() if self.verdict else "the test is running"
        return self._totals(self.run, environment), said

    def report(self, delivered: Delivered) -> None:
        """Show the end of a message in Locust's table."""
        report(events.request.fire, delivered)

    def write_of(self, worker: str, lines: bytes) -> None:
        """Write what a worker has recorded."""
        if self.folder is not None and lines:
            self.folder.write_of(worker, lines)


def _new_run(environment: Environment, figures: Figures, **more: Any) -> LoadRun:
    chosen = _options(environment)
    server = Server(
        environment.host or "", keep_alive_s=chosen.keep_alive, is_checked=chosen.check_certificate
    )
    return LoadRun(
        load_profile(chosen.target),
        server,
        options.load_of(chosen),
        figures=figures,
        workers=max(1, chosen.expect_workers) if _is_worker(environment) else 1,
        **more,
    )


def _options(environment: Environment) -> Namespace:
    return environment.parsed_options or Namespace()  # Locust always parses some


process = _Process()


class PollingUser(User):
    """One user with the chat open."""

    wait_time = constant(0)

    @task
    def chat(self) -> None:
        """Enter, and chat until Locust stops this user."""
        if process.run is None:
            raise StopUser
        user = ChatUser(process.run, fire=self.environment.events.request.fire, is_stopping=self._must_stop)
        if user.enter():
            user.chat()
        raise StopUser

    def _must_stop(self) -> bool:
        return process.run is None or process.run.is_stopping or self._state == LOCUST_STATE_STOPPING


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    options.add_options(parser)


@events.init.add_listener
def _check(environment: Environment, **_: Any) -> None:
    """End with one sentence if an option or the host is not usable; Locust's page asks for a host."""
    streams.prepare()  # names have arrows, which not every locale can write
    environment.stop_timeout = max(environment.stop_timeout, STOP_WITHIN_S)
    process.workers.connect(environment, process, stop_within_s=STOP_WITHIN_S + 5)
    _take_interrupts(environment)
    add_tab(environment, lambda: process.so_far(environment))
    if _is_worker(environment):
        return
    try:
        _require_right(environment)
        if environment.web_ui is None or environment.host:
            _set_host(environment)
        if environment.web_ui is None:
            process.hold_folder(environment)
    except HarnessError as error:
        print(f"load test: {error}", file=sys.stderr)  # noqa: T201  what the user reads
        process.workers.dismiss(environment)
        sys.exit(error.exit_code)


def _take_interrupts(environment: Environment) -> None:
    """Let Ctrl-C end the run in Locust's own greenlet: else it would end the request that is just being made.

    The workers of `--processes` get it as well, and first let their master tell them to finish. Before a test
    has begun there is nothing to finish, and Locust would end with a traceback.
    """
    wait_s = 0.0
    if _is_worker(environment):
        if not _options(environment).processes:
            return
        wait_s = STOP_WITHIN_S + 10
    main: Any = gevent.get_hub().parent

    def interrupt() -> None:
        if process.run is None and environment.web_ui is None:
            if not _is_worker(environment):
                print("load test: interrupted before it began", file=sys.stderr)  # noqa: T201  for the user
            gevent.kill(main, SystemExit(INTERRUPTED))
        else:
            gevent.spawn_later(wait_s, lambda: gevent.kill(main, KeyboardInterrupt))

    gevent.signal_handler(signal.SIGINT, interrupt)


def _require_right(environment: Environment) -> None:
    """Raise UsageError for options that cannot be used."""
    chosen = _options(environment)
    options.check(chosen)
    if SHAPES[chosen.shape].fault is not None:
        fault_named(chosen.fault)
    wire = load_profile(chosen.target).wire
    if wire.users == "list" and (chosen.num_users or 1) > len(wire.user_list):
        raise UsageError(
            f"--users is {chosen.num_users}, and the profile's list has {len(wire.user_list)} users."
        )


def _set_host(environment: Environment) -> None:
    """Make the host a URL, and ask the server once. Raise UsageError."""
    environment.host = hosts.clean(environment.host)
    trial = _new_run(environment, Figures())
    wire = trial.profile.wire
    if trial.profile.adapter or wire.users != "endpoint":
        return  # there is no request that any server answers
    hosts.check(environment.host, f"{wire.register.method} {wire.prefix}{wire.register.path}", trial.ask)


@events.test_start.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    try:
        if environment.web_ui is not None:
            _require_right(environment)
            _set_host(environment)
        process.begin(environment)
    except HarnessError as error:
        logger.error("%s", error)
        environment.process_exit_code = error.exit_code
        raise gevent.GreenletExit from error  # what Locust would start the test in: it does not start


@events.test_stopping.add_listener
def _stop(environment: Environment, **_: Any) -> None:
    if process.run is not None:
        process.run.stop()
    process.heal()


@events.test_stop.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Write and print the results: on the master, or on a run without workers."""
    if process.run is not None and not _is_worker(environment):
        environment.process_exit_code = InfrastructureError.exit_code  # unless there is a verdict
    try:
        process.judge(environment)
    except HarnessError as error:
        print(f"load test: {error}", file=sys.stderr)  # noqa: T201  what the user reads
        environment.process_exit_code = error.exit_code


@events.quitting.add_listener
def _exit(environment: Environment, **_: Any) -> None:
    """Set the exit code; where Ctrl-C came first, users still get time to receive what was sent."""
    if _is_worker(environment) or environment.runner is None:
        return
    was_interrupted = _ended_early(environment) and environment.runner.state != STATE_STOPPED
    environment.runner.stop()
    if process.verdict is not None:
        environment.process_exit_code = INTERRUPTED if was_interrupted else EXIT_CODES[process.verdict]


def _ended_early(environment: Environment) -> bool:
    run_time_s = getattr(_options(environment), "load_run_time", None)
    return process.run is not None and run_time_s is not None and process.run.since_begin_s() < run_time_s - 1


def _is_worker(environment: Environment) -> bool:
    return isinstance(environment.runner, WorkerRunner)
