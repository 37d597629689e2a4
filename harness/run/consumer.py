"""One consumer of polls: it follows the cursor, polls on a schedule, and records every poll."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.adapters import Asked, Message
from harness.client import Client, Page, Result
from harness.client.polling import Cursor, PollSchedule
from harness.client.variety.variety import Variety
from harness.history import NS_PER_S, Outcome, Recorder
from harness.history.positions import Position, Scale
from harness.run.exchange import poll_fields, special
from harness.run.recorded import Acked, missing_of
from harness.run.worker import LONGEST_ROUND_S, Worker
from harness.semantics import Semantics

HELD_AGAIN_AFTER_S = 0.2
"""How soon a client that holds its polls open asks again after one that failed, or was not held."""


@dataclass(frozen=True)
class Polled:
    """The result of one poll: whether it was `ok`, brought a new message, or said that there are more."""

    answer: Result[Page]
    ok: bool
    brought: bool
    promised: bool
    was_held: bool = False
    """The poll asked to be held open."""

    @property
    def is_last(self) -> bool:
        """The mailbox has been read to its end."""
        return self.ok and not self.brought and not self.promised


class Consumer:
    """Polls one user's mailbox, in a thread from `start` until `stop`.

    `first_poll_in_s` staggers the consumers, as real clients are never in step. With `wait_s` each poll asks
    to be held open for so long, and the next one follows at once. A stopped consumer can be started again and
    goes on with its cursor, which is `since` at first. The variety draws how each poll is spelled, but
    `as_given` leaves `since` as it is, and a plain one has no more than its cursor and its limit. `complain`
    is called with what is wrong with an answer that no checker judges. Consumers that share the messages of a
    mailbox share the list of those `received`.
    """

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        variety: Variety,
        *,
        name: str,
        interval_s: float,
        first_poll_in_s: float = 0.0,
        since: str | None = None,
        as_given: bool = False,
        limit: int | None = None,
        wait_s: float = 0.0,
        is_plain: bool = False,
        complain: Callable[[str], None],
        semantics: Semantics,
        received: list[frozenset[str]] | None = None,
    ) -> None:
        self.client = client
        self.name = name
        self._received = [] if received is None else received
        """The id and the content of each message that arrived, here or where the same mailbox was read."""
        self._recorder = recorder
        self._variety = variety
        self._limit = limit
        self._wait_s = wait_s
        self._is_plain = is_plain
        self._complain = complain
        self._given = since if as_given else None
        self._scale = Scale(semantics)
        self._begin = self._scale.of_cursor(since)
        self._begins_anywhere = since is not None and self._begin is None
        self._cursor = Cursor(since)
        self._schedule = PollSchedule(int(interval_s * NS_PER_S))
        self._next_ns = time.monotonic_ns() + int(first_poll_in_s * NS_PER_S)
        self._stopping = threading.Event()
        self._thread = self._new_thread()

    def start(self) -> Consumer:
        """Begin to poll, or go on polling."""
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
        """Stop after the poll under way. Raise what the thread raised."""
        self.ask_to_stop()
        self._thread.finish(LONGEST_ROUND_S + self._wait_s)

    @property
    def is_polling(self) -> bool:
        """Whether it polls on its schedule."""
        return self._thread.is_alive() and not self._stopping.is_set()

    @property
    def cursor(self) -> str | None:
        """The `since` of the next poll."""
        return self._cursor.since

    def poll_once(self, *, wait_s: float = 0.0) -> Polled:
        """Poll now; the server may hold the poll open for `wait_s` seconds."""
        return self._poll(time.monotonic_ns(), wait_s)

    def lacks(self, acked: Collection[Acked]) -> bool:
        """Return whether one of these messages is newer than the first cursor and has not arrived.

        Where only the server can compare a cursor with a message, a consumer that began at one lacks nothing.
        """
        return bool(self._missing(acked))

    def may_still_get(self, acked: Collection[Acked]) -> bool:
        """Return whether it lacks one of these messages, and its cursor has not passed it."""
        reached = None if self._scale.is_inclusive else self._scale.of_cursor(self.cursor)
        return any(self._is_newer(one, reached) for one in self._missing(acked))

    def _missing(self, acked: Collection[Acked]) -> list[Acked]:
        if self._begins_anywhere:
            return []
        expected = [one for one in acked if self._is_newer(one, self._begin)]
        return missing_of(expected, list(self._received))

    def _is_newer(self, message: Acked, than: Position | None) -> bool:
        place = self._scale.of_message(message)
        return than is None or place is None or place > than

    def _new_thread(self) -> Worker:
        return Worker(self._poll_on_schedule, f"consumer {self.name}")

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

    def _ask(self, since: str | None, wait_s: float | None) -> Asked:
        if self._is_plain:
            return Asked(since, self._cursor.parameters(self._limit))
        as_given = since is not None and since == self._given
        return self._variety.ask(since, limit=self._limit, wait_s=wait_s, as_given=as_given)

    def _poll(self, intended_ns: int, wait_s: float | None) -> Polled:
        since = self._cursor.since
        asked = self._ask(since, wait_s)
        answer = self.client.ask(asked)
        ok = answer.outcome is Outcome.OK
        fresh = self._cursor.accept(answer.said) if ok else []
        self._recorder.record(
            "poll",
            t=answer.end_ns,
            op=self._recorder.next_op(),
            consumer=self.name,
            reader=self.client.username,
            since=asked.since,
            intended=min(intended_ns, answer.start_ns),
            start=answer.start_ns,
            error=answer.why,
            **({"wait": asked.wait_s} if asked.wait_s else {}),
            **special(asked.special),
            **poll_fields(answer),
        )
        for wrong in wrong_page(asked, answer.said.messages, self._scale):
            self._complain(f"{self.name}'s poll {wrong}")
        self._received += [frozenset((message.id, message.content)) for message in fresh]
        return Polled(answer, ok, bool(fresh), answer.said.may_have_more, was_held=asked.wait_s > 0)


def wrong_page(asked: Asked, messages: Sequence[Message], scale: Scale) -> Iterator[str]:
    """Yield what is wrong with a page, whatever the mailbox holds, as the end of a sentence."""
    how = f" ({', '.join(asked.special)})" if asked.special else ""
    if asked.limit is not None and len(messages) > asked.limit:
        yield f"with limit={asked.limit}{how} brought {len(messages)} messages"
    since = scale.of_cursor(asked.since)
    for message in messages:
        place = scale.of_message(message)
        if since is None or place is None or (scale.is_inclusive and place == since):
            continue
        if place <= since:
            at = message.timestamp if scale.semantics.cursor == "timestamp" else f"number {message.seq}"
            yield f"from {asked.since}{how} brought a message of {at}, which is not newer"


def lacking(consumers: Iterable[Consumer], acked: Mapping[str, Collection[Acked]]) -> list[Consumer]:
    """Return the consumers to which some of the acked messages, by recipient, have not come yet."""
    return [one for one in consumers if one.lacks(acked.get(one.client.username, ()))]
