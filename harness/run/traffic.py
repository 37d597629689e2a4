"""Users who poll and users who send, each in a thread, everything they do recorded.

A `Reader` is one consumer; a `Sender` sends at a steady rate, from a schedule fixed beforehand so that a
slow answer cannot hide the sends it delayed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.client import Answer, Client
from harness.client.polling import Cursor, PollSchedule
from harness.client.variety.variety import Asked, Variety
from harness.history import NS_PER_S, Outcome, Recorder
from harness.history.instants import instant
from harness.run.exchange import poll_fields, special
from harness.run.recorded import Acked, missing_of

LONGEST_ROUND_S = 20.0
"""Above any single request's time-out, and above all tries of a client that retries."""
HELD_AGAIN_AFTER_S = 0.2
"""How soon a client that holds its polls open asks again after one that failed, or was not held."""


@dataclass(frozen=True)
class Polled:
    """The result of one poll: whether it was `ok`, brought something new, or promised more."""

    answer: Answer
    ok: bool
    brought: bool
    promised: bool
    was_held: bool = False
    """Whether it asked to be held open."""

    @property
    def is_last(self) -> bool:
        """Whether the mailbox has been read to its end."""
        return self.ok and not self.brought and not self.promised


class Reader:
    """One consumer of polls of one user's mailbox, in a thread of its own from `start` until `stop`.

    `first_poll_in_s` staggers the consumers, as real clients are never in step. With `wait_s` each poll asks
    to be held open so long, and the next one follows at once. A stopped consumer may be started again: it
    goes on with its cursor, which `since` is at first. Each poll asks in a way of its own, but `as_given`
    spells `since` as it is here. `complain` is told what is wrong with an answer for which there is no
    checker.
    """

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        variety: Variety,
        *,
        consumer: str,
        interval_s: float,
        first_poll_in_s: float = 0.0,
        since: str | None = None,
        as_given: bool = False,
        limit: int | None = None,
        wait_s: float = 0.0,
        complain: Callable[[str], None],
    ) -> None:
        self.client = client
        self.consumer = consumer
        self._received: list[frozenset[str]] = []
        """The id and the content of each message that arrived."""
        self._recorder = recorder
        self._variety = variety
        self._limit = limit
        self._wait_s = wait_s
        self._complain = complain
        self._given = since if as_given else None
        self._begin = instant(since)
        self._cursor = Cursor(since)
        self._schedule = PollSchedule(int(interval_s * NS_PER_S))
        self._next_ns = time.monotonic_ns() + int(first_poll_in_s * NS_PER_S)
        self._stopping = threading.Event()
        self._thread = self._new_thread()

    def start(self) -> Reader:
        """Begin to poll, or go on with it."""
        if self._stopping.is_set():
            self._stopping.clear()
            self._thread = self._new_thread()
            self._next_ns = time.monotonic_ns()
        self._thread.start()
        return self

    def ask_to_stop(self) -> None:
        """Let the poll under way be the last one."""
        self._stopping.set()

    def stop(self) -> None:
        """End the polling after the poll under way; raises what the thread raised."""
        self.ask_to_stop()
        self._thread.finish(LONGEST_ROUND_S + self._wait_s)

    @property
    def cursor(self) -> str | None:
        """Where the consumer stands."""
        return self._cursor.since

    def poll_once(self, *, wait_s: float = 0.0) -> Polled:
        """Poll now, to be held open so long."""
        return self._poll(time.monotonic_ns(), wait_s)

    def lacks(self, acked: Collection[Acked]) -> bool:
        """Whether any of these messages has not arrived, of those that are newer than its first cursor."""
        owed = acked if self._begin is None else [one for one in acked if self._is_newer(one.timestamp)]
        return bool(missing_of(owed, list(self._received)))

    def _is_newer(self, timestamp: str | None) -> bool:
        moment = instant(timestamp)
        return self._begin is None or moment is None or moment > self._begin

    def _new_thread(self) -> _Worker:
        return _Worker(self._poll_on_schedule, f"reader {self.consumer}")

    def _poll_on_schedule(self) -> None:
        while not self._stopping.wait(max(0, self._next_ns - time.monotonic_ns()) / NS_PER_S):
            self._next_ns = self._next_start(self._poll(self._next_ns, self._wait_s or None))

    def _next_start(self, polled: Polled) -> int:
        answer = polled.answer
        scheduled = self._schedule.next_start(answer.start_ns, answer.end_ns, was_held=polled.was_held)
        if self._wait_s:
            is_right = polled.brought or (polled.ok and answer.seconds > self._wait_s / 2)
            return answer.end_ns + (0 if is_right else int(HELD_AGAIN_AFTER_S * NS_PER_S))
        return answer.end_ns if polled.brought and polled.promised else scheduled

    def _poll(self, intended_ns: int, wait_s: float | None) -> Polled:
        since = self._cursor.since
        as_given = since is not None and since == self._given
        asked = self._variety.ask(since, limit=self._limit, wait_s=wait_s, as_given=as_given)
        answer = self.client.poll(
            asked.parameters, unescaped=asked.unescaped, new_connection=asked.new_connection
        )
        event, error = poll_fields(answer)
        ok = event["outcome"] == Outcome.OK
        fresh = self._cursor.accept(answer.body) if ok else []
        self._recorder.record(
            "poll",
            t=answer.end_ns,
            op=self._recorder.next_op(),
            consumer=self.consumer,
            reader=self.client.username,
            since=asked.since,
            intended=min(intended_ns, answer.start_ns),
            start=answer.start_ns,
            error=error,
            **({"wait": asked.wait_s} if asked.wait_s else {}),
            **special(asked.special),
            **event,
        )
        for wrong in wrong_page(asked, event["messages"]) if ok else ():
            self._complain(f"{self.consumer}'s poll {wrong}")
        self._received += [frozenset((message["id"], message["message"])) for message in fresh]
        return Polled(answer, ok, bool(fresh), bool(event.get("has_more")), was_held=asked.wait_s > 0)


def wrong_page(asked: Asked, messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with a page by the contract of a poll alone, as the end of a sentence."""
    how = f" ({', '.join(asked.special)})" if asked.special else ""
    if asked.limit is not None and len(messages) > asked.limit:
        yield f"with limit={asked.limit}{how} brought {len(messages)} messages"
    since = instant(asked.since)
    for message in messages:
        moment = instant(message["timestamp"])
        if since is not None and moment is not None and moment <= since:
            yield f"from {asked.since}{how} brought a message of {message['timestamp']}, which is not newer"


OFF_BEAT = 0.93
"""An interval that divides a second would meet the same few fractions of it again and again.

Some bugs live in the others: timestamps compared as text are in order but in the first tenth of a second. So
the interval is a little shorter: 17 sends that should be 0.2 s apart leave no gap of a tenth of a second.
"""


class Sender:
    """Calls `send_one(intended_ns)` about every `interval_s` seconds, in a thread, at most `count` times."""

    def __init__(
        self,
        send_one: Callable[[int], Answer],
        *,
        interval_s: float,
        first_in_s: float = 0.0,
        count: int | None = None,
    ) -> None:
        self._send_one = send_one
        self._interval_ns = int(OFF_BEAT * interval_s * NS_PER_S)
        self._first_ns = time.monotonic_ns() + int(first_in_s * NS_PER_S)
        self._count = count
        self._stopping = threading.Event()
        self._thread = _Worker(self._send_on_schedule, "sender")

    def start(self) -> Sender:
        """Begin to send."""
        self._thread.start()
        return self

    def ask_to_stop(self) -> None:
        """Let the send under way be the last one."""
        self._stopping.set()

    def stop(self) -> None:
        """Send nothing more; raises what the thread raised."""
        self.ask_to_stop()
        self._thread.finish(LONGEST_ROUND_S)

    def is_sending(self, for_s: float) -> bool:
        """Whether so many seconds from now some of `count` messages are still to be sent."""
        self._thread.join(for_s)
        return self._thread.is_alive()

    def _send_on_schedule(self) -> None:
        sent = 0
        while self._count is None or sent < self._count:
            intended_ns = self._first_ns + sent * self._interval_ns
            if self._stopping.wait(max(0, intended_ns - time.monotonic_ns()) / NS_PER_S):
                return
            self._send_one(intended_ns)
            sent += 1


def stop_all(workers: Iterable[Reader | Sender]) -> None:
    """End them all at once, not each after the one before; raises what a thread raised."""
    known = list(workers)
    for worker in known:
        worker.ask_to_stop()
    for worker in known:
        worker.stop()


class _Worker(threading.Thread):
    """A thread whose exception reaches whoever waits for its end."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  handed to finish(), which raises it
            self._error = error

    def finish(self, within_s: float) -> None:
        if self.ident is None:
            return  # it was never started
        self.join(within_s)
        if self.is_alive():
            raise TimeoutError(f"the thread of {self.name} did not end within {within_s} s")
        if self._error is not None:
            raise self._error
