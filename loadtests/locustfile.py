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
from typing import Any, TypeVar
from urllib.parse import urlencode

import gevent
from locust import FastHttpUser, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.client import API, Answer, Malformed
from harness.client.polling import Cursor, PollSchedule
from harness.errors import UsageError
from harness.history import NS_PER_S
from harness.verdict import EXIT_CODES
from loadtests import hosts, workers
from loadtests.answers import check_ack, page_of, require, token_of
from loadtests.calls import ask, call
from loadtests.deliveries import Deliveries, Sent

POLL_INTERVAL_S = 2.0
STOP_WITHIN_S = 30.0
LOOK_EVERY_NS = NS_PER_S // 2
"""How often a writer checks whether it must stop, however seldom it writes."""
PASSWORD = "correct horse battery staple"
T = TypeVar("T")

logger = logging.getLogger(__name__)
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
        credentials = _credentials()
        self.username = credentials["username"]
        self._headers: dict[str, str] = {}
        self._send_every_s = self.environment.parsed_options.send_every
        self._cursor = Cursor()
        self._schedule = PollSchedule(int(POLL_INTERVAL_S * NS_PER_S))
        if self._call("POST", "/register", lambda answer: require(answer, 201), json=credentials) is None:
            return
        token = self._call("POST", "/login", token_of, json=credentials)
        if token is not None:
            self._headers = {"Authorization": f"Bearer {token}"}
            usernames.append(self.username)

    @task
    def chat(self) -> None:
        """Poll and write until Locust stops this user, then poll until everything has arrived."""
        if not self._headers:  # not in on_start, where Locust prints a traceback for it
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
        message = {"to_username": recipient, "content": content, "client_message_id": token}
        deliveries.due(content, Sent(self.username, recipient, token, due_ns))

        def read(answer: Answer) -> Answer:
            try:
                check_ack(answer, content, token)
            except Malformed:
                deliveries.not_acked(content, answer.outcome)
                raise
            deliveries.acked(content, answer.end_ns)
            return answer

        self._call("POST", "/messages", read, json=message)

    def _poll(self) -> int:
        """Poll once; return when the next poll is due, in monotonic ns."""
        start_ns = time.monotonic_ns()
        path = f"/messages/poll/{self.username}?{urlencode(self._cursor.parameters())}"
        expected_s = self._schedule.smoothed_round_trip_s

        def read(answer: Answer) -> bool:
            page = page_of(answer)
            deliveries.polled((answer.end_ns - start_ns) / NS_PER_S, expected_s)
            self._receive(page, answer.end_ns)
            return bool(page["has_more"])

        has_more = self._call("GET", path, read, name="/messages/poll/{username}")
        end_ns = time.monotonic_ns()
        due_ns = self._schedule.next_start(start_ns, end_ns)
        return end_ns if has_more else due_ns

    def _receive(self, page: dict[str, Any], now_ns: int) -> None:
        """Take all messages of a page, then raise Malformed if one must not be in it."""
        fresh = self._cursor.accept(page)
        wrong = [] if len(fresh) == len(page["messages"]) else [Malformed("a message for the second time")]
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
        self, method: str, path: str, read: Callable[[Answer], T], *, name: str | None = None, **options: Any
    ) -> T | None:
        """Return what `read` makes of the answer, or None after its Malformed, which is a failed request."""
        result, problem = call(
            self.client,
            method,
            API + path,
            read,
            tell=self.environment.events.request.fire,
            name=API + (name or path),
            headers=self._headers,
            **options,
        )
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
    session = FastHttpSession(environment.host, None, None, max_redirects=0)
    hosts.check(environment.host, lambda: ask(session, "POST", hosts.REGISTER, json=_credentials()))


def _credentials() -> dict[str, str]:
    """Return the credentials of a new user."""
    return {"username": f"load_{secrets.token_hex(6)}", "password": PASSWORD}


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
