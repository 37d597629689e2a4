"""Locust users who chat by polling, and a verdict on every delivery.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000    # Locust's page, against any server
    python3 -m nox -s load                                            # headless, against the reference

Each user registers, signs in, polls every two seconds and writes to a random other user of its process. A
delivery is measured from the moment its send was *due* to the moment the recipient's poll returned it, so
that neither a slow send nor a stalled generator hides a delay. Locust shows each as a request of the type
DELIVERY; a late or missing one is a failure there. Locust rounds times over a second to 100 ms, so the
verdict rests on exact counts and a separate histogram (see `loadtests/deliveries.py`). An answer that breaks
the contract is a failed request, whatever its status: in Locust's table and in the verdict.
"""

from __future__ import annotations

import logging
import random
import secrets
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import gevent
from locust import FastHttpUser, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.adapters import Manner
from harness.adapters.over_http import HttpAdapter
from harness.adapters.wire import Poll, Register, Send, SignIn
from harness.client import Ack, Answer, Client, Malformed, Page, Result, Said
from harness.client.polling import Cursor, PollSchedule
from harness.errors import UsageError
from harness.history import NS_PER_S, Outcome
from harness.targets.profile import REFERENCE, load_profile
from harness.verdict import EXIT_CODES
from loadtests import hosts, workers
from loadtests.answers import check_page, require
from loadtests.calls import call, transport
from loadtests.deliveries import Deliveries, Sent

POLL_INTERVAL_S = 2.0
STOP_WITHIN_S = 30.0
LOOK_EVERY_NS = NS_PER_S // 2
"""How often a writer checks whether it must stop, however seldom it writes."""
PASSWORD = "correct horse battery staple"
S = TypeVar("S", bound=Said)
T = TypeVar("T")


class _Target:
    """The profile of the server, and how its requests are written and its answers read."""

    def __init__(self) -> None:
        self.load(REFERENCE)

    def load(self, name_or_path: str) -> None:
        """Read the profile. Raise UsageError."""
        self.profile = load_profile(name_or_path)
        self.codec = self.profile.codec()


logger = logging.getLogger(__name__)
target = _Target()
deliveries = Deliveries()
usernames: list[str] = []


class ChatUser(FastHttpUser):
    """One user with the chat open."""

    wait_time = constant(0)
    network_timeout = 10.0
    connection_timeout = 10.0
    max_redirects = 0  # the contract has none

    def on_start(self) -> None:
        """Register, sign in, and let other users write to this one."""
        self.username = _new_name()
        self._is_in = False
        self._send_every_s = self.environment.parsed_options.send_every
        self._cursor = Cursor()
        self._schedule = PollSchedule(int(POLL_INTERVAL_S * NS_PER_S))
        self._user = _client(self.client, self.username)
        wire = target.profile.wire
        if self._call(wire.register, self._user.register, require) is None:
            return
        if self._user.adapter.signs_in and self._call(wire.sign_in, self._user.sign_in, require) is None:
            return
        self._is_in = True
        usernames.append(self.username)

    @task
    def chat(self) -> None:
        """Poll and write until Locust stops this user, then poll until everything has arrived."""
        if not self._is_in:  # not in on_start, where Locust prints a traceback for it
            raise StopUser
        writing = gevent.spawn(self._write_until_stopped)
        due_ns = time.monotonic_ns() + int(random.uniform(0, POLL_INTERVAL_S) * NS_PER_S)
        try:
            while not writing.ready() or deliveries.expected_by(self.username, time.monotonic_ns()):
                self._sleep_until(due_ns)
                due_ns = self._poll()
            writing.get()  # a crash of it is a crash of the user
        finally:
            writing.kill()
            self._leave()
            for missing in deliveries.missing(self.username, time.monotonic_ns()):
                self._report(missing.waited_ms, missing)

    def _leave(self) -> None:
        """Let no user write to this one any more: it stops polling."""
        if self.username in usernames:
            usernames.remove(self.username)

    def _write_until_stopped(self) -> None:
        due_ns = time.monotonic_ns() + int(random.uniform(0, self._send_every_s) * NS_PER_S)
        while not self._stopping():
            if time.monotonic_ns() < due_ns:
                self._sleep_until(min(due_ns, time.monotonic_ns() + LOOK_EVERY_NS))
                continue
            self._write(due_ns)
            due_ns += int(self._send_every_s * NS_PER_S)
        self._leave()

    def _write(self, due_ns: int) -> None:
        recipient = random.choice(usernames)
        token = secrets.token_hex(12)
        content = f"load {token}"
        deliveries.due(content, Sent(self.username, recipient, token, due_ns))

        def read(result: Result[Ack]) -> Ack:
            try:
                ack = require(result)
            except Malformed:
                deliveries.not_acked(content, result.outcome)
                raise
            deliveries.acked(content, result.end_ns)
            return ack

        send = partial(self._user.send, recipient, Manner(content, token))
        if self._call(target.profile.wire.send, send, read) is None:
            deliveries.not_acked(content, Outcome.UNKNOWN)  # where nothing could be read at all

    def _poll(self) -> int:
        """Poll once; return when the next poll is due, in monotonic ns."""
        start_ns = time.monotonic_ns()
        expected_s = self._schedule.smoothed_round_trip_s

        def read(result: Result[Page]) -> bool:
            page = require(result)
            check_page(result)
            deliveries.polled((result.end_ns - start_ns) / NS_PER_S, expected_s)
            self._receive(page, result.end_ns)
            return page.may_have_more

        poll = partial(self._user.poll, self._cursor.parameters())
        has_more = self._call(target.profile.wire.poll, poll, read)
        end_ns = time.monotonic_ns()
        due_ns = self._schedule.next_start(start_ns, end_ns)
        return end_ns if has_more else due_ns

    def _receive(self, page: Page, now_ns: int) -> None:
        """Take all messages of a page, then raise Malformed if one must not be in it."""
        fresh = self._cursor.accept(page)
        wrong = [] if len(fresh) == len(page.messages) else [Malformed("a message for the second time")]
        for message in fresh:
            try:
                delivery = deliveries.received(message, self.username, now_ns)
            except Malformed as error:
                wrong.append(error)
                continue
            if delivery is not None:
                self._report(delivery.waited_ms, delivery if delivery.is_late else None)
        if wrong:
            raise wrong[0]

    def _call(
        self,
        operation: Register | SignIn | Send | Poll,
        make: Callable[[], Result[S]],
        read: Callable[[Result[S]], T],
    ) -> T | None:
        """Return what `read` makes of the answer, or None after its Malformed, which is a failed request."""
        name = f"{operation.method} {target.profile.wire.prefix}{operation.path}"
        result, problem = call(make, read, tell=self.environment.events.request.fire, name=name)
        deliveries.failed_requests += problem is not None
        return result

    def _report(self, waited_ms: float, problem: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type="DELIVERY",
            name="due → received",
            response_time=waited_ms,
            response_length=0,
            exception=problem,
            context={},
        )

    def _stopping(self) -> bool:
        return bool(self._state == LOCUST_STATE_STOPPING)

    def _sleep_until(self, due_ns: int) -> None:
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            gevent.sleep(left_ns / NS_PER_S)


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--send-every",
        type=float,
        default=10.0,
        help="Seconds between two messages of one user (default: 10)",
    )
    parser.add_argument(
        "--target",
        default=REFERENCE,
        help="The profile of the server, a name or a TOML file, which says how it speaks HTTP"
        " (default: reference)",
    )


@events.init.add_listener
def _check_the_host(environment: Environment, **_: Any) -> None:
    """End with one sentence if the host is not usable; Locust's page asks for a host by itself."""
    if _is_worker(environment) or (environment.web_ui is not None and not environment.host):
        return
    try:
        _set_host(environment)
    except UsageError as error:
        print(f"load test: {error}", file=sys.stderr)  # noqa: T201  what the user reads
        workers.dismiss(environment)
        sys.exit(error.exit_code)


def _check_the_host_of_the_page(environment: Environment) -> None:
    try:
        _set_host(environment)
    except UsageError as error:
        logger.error("%s", error)
        raise gevent.GreenletExit from error  # what Locust would start the test in: it does not start


def _set_host(environment: Environment) -> None:
    environment.host = hosts.clean(environment.host)
    target.load(environment.parsed_options.target if environment.parsed_options else REFERENCE)
    session = FastHttpSession(environment.host, None, None, max_redirects=0)
    wire = target.profile.wire
    call = f"{wire.register.method} {wire.prefix}{wire.register.path}"
    hosts.check(environment.host, call, lambda: _ask_to_register(session))


def _client(session: FastHttpSession, username: str) -> Client:
    """Return a user who asks with Locust's client."""
    new = partial(HttpAdapter, codec=target.codec, transport=transport(session))
    return Client("", username, PASSWORD, new_adapter=new)


def _ask_to_register(session: FastHttpSession) -> Answer:
    credentials = {"username": _new_name(), "password": PASSWORD}
    return _client(session, credentials["username"]).http.ask("register", credentials)


def _new_name() -> str:
    return f"load_{secrets.token_hex(6)}"


@events.init.add_listener
def _let_users_finish(environment: Environment, **_: Any) -> None:
    """Give users time to receive what was sent, also where `--run-time` ends the run."""
    environment.stop_timeout = max(environment.stop_timeout, STOP_WITHIN_S)
    workers.connect(environment, deliveries, stop_within_s=environment.stop_timeout + 5)


@events.test_start.add_listener
def _forget_the_last_test(environment: Environment, **_: Any) -> None:
    if environment.web_ui is not None:
        _check_the_host_of_the_page(environment)
    deliveries.clear()
    usernames.clear()


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Print the verdict and set the exit code, once: on the master or on a run without workers."""
    if _is_worker(environment):
        return
    if environment.runner is None:
        return
    environment.runner.stop()  # where Ctrl-C came first, users still get time to receive what was sent
    verdict, table = deliveries.judge(POLL_INTERVAL_S, crashes=len(environment.runner.exceptions))
    print(table)  # noqa: T201  the result of the run, beside Locust's own tables
    environment.process_exit_code = EXIT_CODES[verdict]


def _is_worker(environment: Environment) -> bool:
    return isinstance(environment.runner, WorkerRunner)
