"""Locust users who chat by polling, at a load that no server slows down, and a verdict on every message.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000    # Locust's page, against any server
    python3 -m nox -s load                                            # headless, against the reference

docs/load.md says what is measured, and how a run of several machines is started. What each user does is in
`loadtests/users.py`; here it is tied to Locust.
"""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from typing import Any

import gevent
from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.errors import HarnessError, UsageError
from harness.runner.machine import MachineWatch
from harness.targets.profile import load_profile
from harness.verdict import EXIT_CODES
from loadtests import hosts, options, results, workers
from loadtests.connections import Server
from loadtests.figures import Figures
from loadtests.run import LoadRun, promises_of
from loadtests.users import ChatUser
from loadtests.verdicts import Circumstances, Totals

STOP_WITHIN_S = 30.0
logger = logging.getLogger(__name__)


class _Process:
    """What this process knows; `run` is None before a test has begun."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.run: LoadRun | None = None
        self.watch: MachineWatch | None = None
        self.workers = workers.Workers()

    def begin(self, environment: Environment) -> None:
        """Begin a test, and forget the one before. Raise UsageError."""
        self.end()
        self.figures.clear()
        index = max(0, getattr(environment.runner, "worker_index", 0))
        self.run = _new_run(environment, self.figures, worker=index)
        self.watch = MachineWatch(self.run.busy.record)
        self.watch.__enter__()

    def end(self) -> None:
        """End what watches this machine."""
        if self.watch is not None:
            self.watch.__exit__(None, None, None)
            self.watch = None


def _new_run(environment: Environment, figures: Figures, *, worker: int = 0) -> LoadRun:
    chosen = _options(environment)
    server = Server(
        environment.host or "", keep_alive_s=chosen.keep_alive, is_checked=chosen.check_certificate
    )
    load = options.load_of(chosen)
    return LoadRun(load_profile(chosen.target), server, load, worker=worker, figures=figures)


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
    environment.stop_timeout = max(environment.stop_timeout, STOP_WITHIN_S)
    process.workers.connect(environment, process.figures, process, stop_within_s=STOP_WITHIN_S + 5)
    if _is_worker(environment):
        return
    try:
        options.check(_options(environment))
        load_profile(_options(environment).target)
        if environment.web_ui is None or environment.host:
            _set_host(environment)
    except HarnessError as error:
        print(f"load test: {error}", file=sys.stderr)  # noqa: T201  what the user reads
        workers.dismiss(environment)
        sys.exit(error.exit_code)


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
            options.check(_options(environment))
            _set_host(environment)
        process.begin(environment)
    except UsageError as error:
        logger.error("%s", error)
        raise gevent.GreenletExit from error  # what Locust would start the test in: it does not start


@events.test_stopping.add_listener
def _stop(environment: Environment, **_: Any) -> None:
    if process.run is not None:
        process.run.is_stopping = True


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Print the verdict and set the exit code, once: on the master or on a run without workers."""
    if _is_worker(environment) or environment.runner is None:
        return
    environment.runner.stop()  # where Ctrl-C came first, users still get time to receive what was sent
    if process.run is None:
        return
    process.end()
    profile = process.run.profile
    about = Circumstances(
        crashes=len(environment.runner.exceptions),
        under_way=process.run.deliveries.under_way() + process.workers.under_way(),
        lost_workers=process.workers.lost(),
        promises=promises_of(profile),
    )
    totals = Totals(process.figures, profile.bounds, about)
    environment.process_exit_code = EXIT_CODES[results.write(totals, _options(environment))]


def _is_worker(environment: Environment) -> bool:
    return isinstance(environment.runner, WorkerRunner)
