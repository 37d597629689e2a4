"""One user of a load test: polls every two seconds, and sends at the times that the load draws for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import gevent
from gevent.pool import Group

from harness.adapters import Manner
from harness.client import Malformed, Page, Result, Said
from harness.client.polling import PollSchedule
from harness.errors import DoesNotFit
from harness.history import NS_PER_S, Outcome
from loadtests.answers import check_page, require
from loadtests.connections import WHOLE_ANSWER_WITHIN_S, NotMade
from loadtests.deliveries import Arrival, Delivered, patience_ns
from loadtests.run import MOST_AT_ONCE, LoadRun

S = TypeVar("S", bound=Said)
T = TypeVar("T")
LOOK_EVERY_NS = NS_PER_S // 4
"""How often a user who waits looks whether it must stop."""
SLOWED = (429, 503)
TAKEN = 409
"""The names are random: where one is taken, an earlier try, which was not answered, was carried out."""
TRIES = 5
"""How often a registration or a sign-in is tried that is not answered."""
LONGEST_RETRY_S = 30.0
TOKEN_LASTS_S = 60
"""A token that is refused sooner has not come to its end: that is the server's failure."""


class ChatUser:
    """One user; `fire` reports a request to Locust, and `is_stopping` says whether Locust wants it to end."""

    def __init__(self, run: LoadRun, *, fire: Callable[..., Any], is_stopping: Callable[[], bool]) -> None:
        self._run, self._fire, self._is_stopping = run, fire, is_stopping
        key, self.client, self._connections = run.new_user()
        self.name = self.client.username
        self._random = run.load.random(f"choices of {key}")
        self._key = key
        self._schedule = PollSchedule(int(run.profile.bounds.poll_interval_s * NS_PER_S))
        self._since: str | None = None
        self._under_way = Group()
        self._reader_since_ns = 0
        self._polled_ns = 0
        """When the last poll began that was answered, and brought everything."""
        self._signed_in_ns = 0
        self._is_recorded = run.recording.has(self.name)

    def enter(self) -> bool:
        """Register and sign in, as often as the server limits it; return whether the user is in."""
        adapter = self.client.adapter
        if adapter.registers and not self._admitted("register", self.client.register):
            return False
        return not adapter.signs_in or self._sign_in()

    def chat(self) -> None:
        """Poll and send until Locust stops this user, then poll until everything has arrived."""
        run = self._run
        since_s = run.since_begin_s()
        run.peers.join(self.name)
        run.figures.counts["users"] += 1
        writing = gevent.spawn(self._send_as_drawn, run.load.sends(self._key, since_s))
        due_ns = run.at_ns(since_s + self._random.uniform(0, self._schedule.interval_ns / NS_PER_S))
        try:
            while not self._may_leave(writing):
                due_ns = self._after_absence(due_ns)
                self._sleep_until(due_ns)
                due_ns = self._poll(due_ns)
            writing.get()  # a crash of it is a crash of the user
            run.figures.counts["left"] += 1
        finally:
            writing.kill()
            self._under_way.kill()
            self._leave()
            now_ns = time.monotonic_ns()
            run.peers.gone(self.name, self._polled_ns)
            for lost in run.deliveries.give_up(self.name, self._polled_ns, now_ns):
                self._report(lost)
            self._connections.close()
            self.client.close()

    def _after_absence(self, due_ns: int) -> int:
        """Return when to poll: if all users are away then, when they come back, over new connections."""
        away = self._run.load.away()
        if away is None or not self._run.at_ns(away[0]) <= due_ns < self._run.at_ns(away[1]):
            return due_ns
        self._connections.close()
        self._reader_since_ns = 0
        return self._run.at_ns(away[1])

    def _may_leave(self, writing: gevent.Greenlet[..., Any]) -> bool:
        """Return whether all sends are over, and nothing may arrive any more."""
        if not writing.ready():
            return False
        deliveries = self._run.deliveries
        has_all = not deliveries.awaited_by(self.name) and self._polled_ns >= deliveries.last_answer_ns
        if has_all and self._run.peers.is_quiet:
            return True
        stopped_ns = self._run.stopping_since_ns + int(WHOLE_ANSWER_WITHIN_S * NS_PER_S)
        since_ns = max(deliveries.last_answer_ns, stopped_ns)
        return time.monotonic_ns() > since_ns + patience_ns(self._run.profile.bounds)

    def _leave(self) -> None:
        """Let no user write to this one any more."""
        self._run.peers.leave(self.name)

    def _send_as_drawn(self, times_s: Iterator[float]) -> None:
        """Begin each send at its time, whether the ones before it were answered or not."""
        for at_s in times_s:
            due_ns = self._run.at_ns(at_s)
            while not self._is_stopping() and (now_ns := time.monotonic_ns()) < due_ns:
                self._sleep_until(min(due_ns, now_ns + LOOK_EVERY_NS))
            if self._is_stopping():
                break
            if self._run.at_once >= MOST_AT_ONCE:
                self._run.figures.counts["missed"] += 1
                continue
            self._under_way.spawn(self._send, due_ns).link_exception(self._crashed)
        self._leave()
        self._under_way.join()

    def _crashed(self, _: object) -> None:
        self._run.figures.counts["crashed"] += 1

    def _send(self, due_ns: int) -> None:
        run = self._run
        recipient = self._random.choice(run.usernames or [self.name])
        number = run.deliveries.due(self.name, recipient, due_ns)
        manner = Manner(run.deliveries.content(number), run.deliveries.token(number))
        run.at_once += 1
        try:
            op = self._record_begin(recipient, manner, due_ns)
            result = self._asked(partial(self.client.send, recipient, manner), due_ns)
            if op and result is not None:
                run.recording.sent(op, result)
        finally:
            run.at_once -= 1
        outcome = Outcome.REFUSED if result is None else result.outcome
        now_ns = time.monotonic_ns() if result is None else result.end_ns
        delivered = run.deliveries.answered(number, outcome, now_ns)
        if result is not None:
            run.figures.took("send", now_ns - due_ns)
            self._tell("send", result, require, due_ns)
        if delivered is not None:
            self._report(delivered)

    def _record_begin(self, recipient: str, manner: Manner, due_ns: int) -> int:
        """Record a send before it leaves, if its mailbox is recorded; return its operation, else 0."""
        recording = self._run.recording
        if not recording.has(recipient):
            return 0
        now_ns, token = time.monotonic_ns(), manner.client_message_id or ""
        return recording.sending(self.name, recipient, manner.content, token, due_ns=due_ns, now_ns=now_ns)

    def _poll(self, intended_ns: int) -> int:
        """Poll once; return when the next poll is due, in monotonic ns."""
        start_ns = time.monotonic_ns()
        parameters = {} if self._since is None else {"since": self._since}
        result = self._asked(partial(self.client.poll, parameters), intended_ns)
        end_ns = time.monotonic_ns()
        if result is None:
            return self._schedule.next_start(start_ns, end_ns)
        if self._is_recorded:
            self._run.recording.polled(self.name, self._since, result, intended_ns=intended_ns)
        expected_s = self._schedule.smoothed_round_trip_s
        due_ns = self._schedule.next_start(start_ns, end_ns)
        self._run.figures.took("poll", result.end_ns - intended_ns)
        lag_ns = max(0, start_ns - intended_ns)
        page = self._tell("poll", result, partial(self._received, lag_ns=lag_ns), intended_ns)
        if page is None:
            return due_ns
        self._count_round_trip(result.seconds, expected_s)
        if not page.may_have_more:
            self._polled_ns = start_ns
            for lost in self._run.deliveries.overdue(self.name, start_ns, end_ns):
                self._report(lost)
        return end_ns if page.may_have_more else due_ns

    def _count_round_trip(self, seconds: float, expected_s: float | None) -> None:
        bounds, figures = self._run.profile.bounds, self._run.figures
        capped_s = min(seconds, bounds.acceptable_round_trip_s)
        slack_s = bounds.delivered_within_s - bounds.poll_interval_s
        figures.sums_s["excess"] += max(
            0.0, capped_s - (capped_s if expected_s is None else expected_s) - slack_s
        )
        figures.counts["polls"] += 1

    def _received(self, result: Result[Page], *, lag_ns: int) -> Page:
        """Take all messages of a page, then raise Malformed if one must not be in it."""
        page = require(result)
        self._since = page.next_since
        self._reader_since_ns = self._reader_since_ns or result.start_ns
        arrival = Arrival(result.end_ns, self._reader_since_ns, lag_ns)
        wrong: list[Malformed] = []
        for message in page.messages:
            if self._run.peers.took(message, self.name, arrival):
                continue
            try:
                delivered = self._run.deliveries.arrived(message, self.name, arrival)
            except Malformed as error:
                wrong.append(error)
                continue
            if delivered is not None:
                self._report(delivered)
        check_page(result)
        if wrong:
            raise wrong[0]
        return page

    def _asked(self, make: Callable[[], Result[S]], intended_ns: int) -> Result[S] | None:
        """Return the result of a request that is due; None if the generator could not make it.

        A user whose sign-in has come to its end signs in again, and asks again.
        """
        self._run.began(intended_ns, time.monotonic_ns())
        try:
            result = make()
            if result.status == 401 and self._renewed():
                result = make()
        except NotMade:
            self._run.figures.counts["missed"] += 1
            return None
        return result

    def _renewed(self) -> bool:
        """Sign in again, if the last time is long ago: tokens end in a long run."""
        is_old = time.monotonic_ns() - self._signed_in_ns > TOKEN_LASTS_S * NS_PER_S
        return is_old and self.client.adapter.signs_in and self._sign_in()

    def _sign_in(self) -> bool:
        is_in = self._admitted("sign_in", self.client.sign_in)
        self._signed_in_ns = time.monotonic_ns()
        return is_in

    def _admitted(self, operation: str, call: Callable[[], Result[Any]]) -> bool:
        """Make a request without which the user is not in, again where the server limits them."""
        tries = 0
        while not self._is_stopping():
            tries += 1
            try:
                with self._run.entering:
                    due_ns = time.monotonic_ns()
                    result = call()
            except NotMade:
                self._run.figures.counts["missed"] += 1
                gevent.sleep(1)
                continue
            if result.status in SLOWED or (result.status is None and tries < TRIES):
                kind, name = self._named(operation)
                self._fire_request(kind, f"{name} (slowed)", result.seconds, len(result.text), None)
                self._sleep_until(result.end_ns + int(_retry_after_s(result) * NS_PER_S))
                continue
            if tries > 1 and result.status == TAKEN:
                return True
            return self._tell(operation, result, require, due_ns) is not None
        self._run.figures.counts["not_in"] += 1
        return False

    def _named(self, operation: str) -> tuple[str, str]:
        """Return the method and the path of an operation, as Locust shows them."""
        wire = self._run.profile.wire
        described = getattr(wire, operation)
        return described.method, f"{wire.prefix}{described.path}"

    def _tell(
        self, operation: str, result: Result[S], read: Callable[[Result[S]], T], intended_ns: int
    ) -> T | None:
        """Return what `read` makes of the result, or None after its Malformed; report either to Locust."""
        problem: Malformed | None = None
        said: T | None = None
        try:
            said = read(result)
        except Malformed as error:
            problem = error
        except DoesNotFit as error:
            problem = Malformed(str(error))
        if problem is not None:
            self._count_failure(result)
        seconds = (result.end_ns - intended_ns) / NS_PER_S
        self._fire_request(*self._named(operation), seconds, len(result.text), problem)
        return said

    def _count_failure(self, result: Result[Any]) -> None:
        counts = self._run.figures.counts
        may_be_excused = result.status == 503 or result.error == "timeout"
        is_excused = may_be_excused and self._run.busy.excuses(result.start_ns, result.end_ns)
        counts["excused" if is_excused else "failed_requests"] += 1

    def _report(self, delivered: Delivered) -> None:
        report(self._fire, delivered)

    def _fire_request(
        self, kind: str, name: str, seconds: float, length: int, problem: Exception | None
    ) -> None:
        self._fire(
            request_type=kind,
            name=name,
            response_time=seconds * 1000,
            response_length=length,
            exception=problem,
            context={},
        )

    def _sleep_until(self, due_ns: int) -> None:
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            gevent.sleep(left_ns / NS_PER_S)


def report(fire: Callable[..., Any], delivered: Delivered) -> None:
    """Show the end of a message in Locust's table, as a request of its own type."""
    fire(
        request_type="DELIVERY",
        name="intended → received",
        response_time=delivered.waited_ns / NS_PER_S * 1000,
        response_length=0,
        exception=delivered.problem,
        context={},
    )


def _retry_after_s(result: Result[Any]) -> float:
    """Return for how many seconds the server asks to wait; one if it does not say so."""
    try:
        return min(LONGEST_RETRY_S, max(0.1, float(result.headers.get("Retry-After", "1"))))
    except ValueError:
        return 1.0
