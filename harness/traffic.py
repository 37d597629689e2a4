"""Users who poll and users who send, each in a thread, everything they do recorded.

A `Reader` is one poll chain; a `Sender` sends at a steady rate, from a schedule fixed beforehand so that a
slow answer cannot hide the sends it delayed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from harness.client import Answer, Client
from harness.history import NS_PER_S, Outcome, Recorder
from harness.polling import Cursor, Schedule

JOIN_WITHIN_S = 15.0  # above any single request's time-out


class Reader:
    """One chain of polls of one user's mailbox, in a thread of its own until `stop`.

    `first_poll_in_s` staggers the chains, as real clients are never in step.
    """

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        *,
        chain: str,
        interval_s: float,
        first_poll_in_s: float = 0.0,
    ) -> None:
        self.client = client
        self.chain = chain
        self.received: set[str] = set()
        """The contents of what arrived."""
        self._recorder = recorder
        self._cursor = Cursor()
        self._schedule = Schedule(int(interval_s * NS_PER_S))
        self._next_ns = time.monotonic_ns() + int(first_poll_in_s * NS_PER_S)
        self._stopping = threading.Event()
        self._thread = _Worker(self._poll_on_schedule, f"reader {chain}")

    def start(self) -> Reader:
        """Begin to poll."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the polling after the poll under way; raises what the thread raised."""
        self._stopping.set()
        self._thread.finish()

    def poll_once(self) -> tuple[bool, bool]:
        """Poll now. Returns (answered ok, anything new or more to come)."""
        intended_ns = time.monotonic_ns()
        answer = self.client.poll(self._cursor.parameters())
        return self._take(answer, intended_ns)

    def _poll_on_schedule(self) -> None:
        while not self._stopping.wait(max(0, self._next_ns - time.monotonic_ns()) / NS_PER_S):
            answer = self.client.poll(self._cursor.parameters())
            _, more = self._take(answer, self._next_ns)
            scheduled = self._schedule.next_start(answer.start_ns, answer.end_ns)
            self._next_ns = answer.end_ns if more and answer.body.get("has_more") else scheduled

    def _take(self, answer: Answer, intended_ns: int) -> tuple[bool, bool]:
        since = self._cursor.since
        event, error = _poll_fields(answer)
        fresh = self._cursor.accept(answer.body) if event["outcome"] == Outcome.OK else []
        self._recorder.record(
            "poll",
            t=answer.end_ns,
            op=self._recorder.next_op(),
            chain=self.chain,
            reader=self.client.username,
            since=since,
            intended=min(intended_ns, answer.start_ns),
            start=answer.start_ns,
            error=error,
            **event,
        )
        self.received.update(message["message"] for message in fresh)
        return event["outcome"] == Outcome.OK, bool(fresh) or event.get("has_more", False)


def _poll_fields(answer: Answer) -> tuple[dict[str, Any], str | None]:
    """What a poll's answer says, in the history's words; a malformed 200 is not an answer."""
    fields: dict[str, Any] = {"outcome": answer.outcome, "status": answer.status}
    if answer.outcome is not Outcome.OK:
        return fields, answer.error or answer.body.get("detail")
    try:
        return fields | _page(answer), None
    except (KeyError, TypeError, AttributeError) as error:
        return fields | {"outcome": Outcome.UNKNOWN}, f"malformed answer: {error!r}"


def _page(answer: Answer) -> dict[str, Any]:
    body = answer.body
    messages = [
        {
            "id": message["id"],
            "seq": message.get("seq"),
            "sender": message["from"],
            "recipient": message["to"],
            "content": message["message"],
            "timestamp": message["timestamp"],
            "client_message_id": message.get("client_message_id"),
        }
        for message in body["messages"]
    ]
    rest = {key: body.get(key) for key in ("has_more", "gap", "source", "degraded")}
    return {"messages": messages, "next_since": body["next_since"], **rest}


def send(
    client: Client,
    recorder: Recorder,
    *,
    recipient: str,
    content: str,
    client_message_id: str | None,
    intended_ns: int | None = None,
) -> Answer:
    """Send one message and record it before it leaves and when it is answered."""
    op = recorder.next_op()
    now = time.monotonic_ns()
    recorder.record(
        "send",
        t=now,
        op=op,
        sender=client.username,
        recipient=recipient,
        content=content,
        client_message_id=client_message_id,
        intended=now if intended_ns is None else intended_ns,
    )
    answer = client.send(recipient, content, client_message_id)
    body = answer.body
    recorder.record(
        "sent",
        t=answer.end_ns,
        op=op,
        outcome=answer.outcome,
        status=answer.status,
        error=answer.error or body.get("detail"),
        **{key: body.get(key) for key in ("id", "seq", "timestamp", "queued", "replayed")},
    )
    return answer


class Sender:
    """Calls `send_one(intended_ns)` every `interval_s` seconds, in a thread, at most `count` times."""

    def __init__(
        self,
        send_one: Callable[[int], Answer],
        *,
        interval_s: float,
        first_in_s: float = 0.0,
        count: int | None = None,
    ) -> None:
        self._send_one = send_one
        self._interval_ns = int(interval_s * NS_PER_S)
        self._first_ns = time.monotonic_ns() + int(first_in_s * NS_PER_S)
        self._count = count
        self._stopping = threading.Event()
        self._thread = _Worker(self._send_on_schedule, "sender")

    def start(self) -> Sender:
        """Begin to send."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Send nothing more; raises what the thread raised."""
        self._stopping.set()
        self._thread.finish()

    def wait(self) -> None:
        """Wait until `count` messages are sent; raises what the thread raised."""
        self._thread.finish(within_s=None)

    def _send_on_schedule(self) -> None:
        sent = 0
        while self._count is None or sent < self._count:
            intended_ns = self._first_ns + sent * self._interval_ns
            if self._stopping.wait(max(0, intended_ns - time.monotonic_ns()) / NS_PER_S):
                return
            self._send_one(intended_ns)
            sent += 1


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

    def finish(self, within_s: float | None = JOIN_WITHIN_S) -> None:
        self.join(within_s)
        if self.is_alive():
            raise TimeoutError(f"the thread of {self.name} did not end within {within_s} s")
        if self._error is not None:
            raise self._error
