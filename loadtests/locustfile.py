"""Locust users who chat by polling, and a verdict on every delivery.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000    # Locust's page, against any server
    python3 -m nox -s load                                            # headless, against the reference

Each user registers, signs in, polls every two seconds and writes to a random other user of its process. A
delivery is measured from the moment its send was *due* to the moment the recipient's poll returned it, so
that neither a slow send nor a stalled generator hides a delay. Each shows in Locust as a request of the type
DELIVERY; one that is late or missing is a failure there. Locust rounds times over a second to 100 ms, so the
verdict rests on exact counts and a histogram of its own (see `loadtests/deliveries.py`).
"""

from __future__ import annotations

import random
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import gevent
from locust import FastHttpUser, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from harness.history import NS_PER_S
from harness.polling import Cursor, Schedule
from harness.verdict import EXIT_CODES
from loadtests.deliveries import Deliveries

POLL_INTERVAL_S = 2.0
STOP_WITHIN_S = 30.0
PASSWORD = "correct horse battery staple"

deliveries = Deliveries()
usernames: list[str] = []


class ChatUser(FastHttpUser):
    """One person with the chat open."""

    wait_time = constant(0)
    network_timeout = 10.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Register, sign in, become someone the others write to."""
        self.username = f"load_{secrets.token_hex(6)}"
        self._send_every_s = self.environment.parsed_options.send_every
        credentials = {"username": self.username, "password": PASSWORD}
        self._call("POST", "/register", expect=201, json=credentials)
        body = self._call("POST", "/login", expect=200, json=credentials)
        if body is None:
            raise StopUser
        self._headers = {"Authorization": f"Bearer {body['token']}"}
        self._cursor = Cursor()
        self._schedule = Schedule(int(POLL_INTERVAL_S * NS_PER_S))
        usernames.append(self.username)

    @task
    def chat(self) -> None:
        """Poll and write until Locust stops this user, then poll until everything has arrived."""
        writing = gevent.spawn(self._write_until_stopped)
        due_ns = time.monotonic_ns() + int(random.uniform(0, POLL_INTERVAL_S) * NS_PER_S)
        try:
            while not self._stopping() or deliveries.expected_by(self.username, time.monotonic_ns()):
                self._sleep_until(due_ns)
                due_ns = self._poll()
        finally:
            writing.kill()
        for missing in deliveries.missing(self.username, time.monotonic_ns()):
            self._report(missing.waited_ms, missing)

    def _write_until_stopped(self) -> None:
        due_ns = time.monotonic_ns() + int(random.uniform(0, self._send_every_s) * NS_PER_S)
        while True:
            self._sleep_until(due_ns)
            if self._stopping():
                return
            self._write(due_ns)
            due_ns += int(self._send_every_s * NS_PER_S)

    def _write(self, due_ns: int) -> None:
        recipient = random.choice(usernames)
        token = secrets.token_hex(12)
        message = {"to_username": recipient, "content": f"load {token}", "client_message_id": token}
        deliveries.due(message["content"], recipient, due_ns)
        body = self._call("POST", "/messages", expect=200, json=message)
        if body is None:
            deliveries.not_acked(message["content"])
        else:
            deliveries.acked(message["content"], due_ns, time.monotonic_ns())

    def _poll(self) -> int:
        """Poll once; return when the next poll is due, in monotonic ns."""
        start_ns = time.monotonic_ns()
        path = f"/messages/poll/{self.username}?{urlencode(self._cursor.parameters())}"
        body = self._call("GET", path, expect=200, name="/messages/poll/{username}")
        end_ns = time.monotonic_ns()
        expected_s = self._schedule.smoothed_round_trip_s
        due_ns = self._schedule.next_start(start_ns, end_ns)
        if body is None:
            return due_ns
        deliveries.polled((end_ns - start_ns) / NS_PER_S, expected_s)
        for message in self._cursor.accept(body):
            delivery = deliveries.received(message["message"], end_ns)
            if delivery is not None:
                self._report(delivery.waited_ms, delivery if delivery.is_late else None)
        return end_ns if body["has_more"] else due_ns

    def _call(self, method: str, path: str, *, expect: int, **kwargs: Any) -> dict[str, Any] | None:
        """The answer's body, or None after reporting the failure to Locust."""
        name = "/api/users" + kwargs.pop("name", path)
        headers = getattr(self, "_headers", {})
        url = "/api/users" + path
        with self.client.request(
            method, url, name=name, headers=headers, catch_response=True, **kwargs
        ) as response:
            if response.status_code != expect:
                deliveries.failed_requests += 1
                response.failure(f"answered {response.status_code}, not {expect}")
                return None
            body: dict[str, Any] = response.json()
            return body

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
        """Sleep in short steps, so that a stop is seen soon."""
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            gevent.sleep(min(left_ns / NS_PER_S, POLL_INTERVAL_S))


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--send-every",
        type=float,
        default=10.0,
        help="Seconds between two messages of one user (default: 10)",
    )


@events.init.add_listener
def _let_users_finish(environment: Environment, **_: Any) -> None:
    """A run that ends by its `--run-time` still gives users time to receive what was sent."""
    environment.stop_timeout = max(environment.stop_timeout, STOP_WITHIN_S)


@events.test_start.add_listener
def _forget_the_last_test(**_: Any) -> None:
    deliveries.clear()
    usernames.clear()


@events.report_to_master.add_listener
def _hand_over(data: dict[str, Any], **_: Any) -> None:
    data["deliveries"] = deliveries.hand_over()


@events.worker_report.add_listener
def _take_over(data: dict[str, Any], **_: Any) -> None:
    deliveries.take_over(data["deliveries"])


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Print the verdict and set the exit code, once: on the master or on a run without workers."""
    if type(environment.runner).__name__ == "WorkerRunner":
        return
    verdict, table = deliveries.judge(POLL_INTERVAL_S)
    print(table)  # noqa: T201  what the run was made for, beside Locust's own tables
    environment.process_exit_code = EXIT_CODES[verdict]
