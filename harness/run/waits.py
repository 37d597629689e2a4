"""What a scenario waits for. Every wait has an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.client import Client
from harness.history import NS_PER_S, Recorder
from harness.run.broken import LOOK_AGAIN_S
from harness.run.consumer import lacking
from harness.run.readers import Readers
from harness.run.recorded import (
    acked_messages,
    begun_and_answered,
    given_up,
    healed_ns,
    overdue_after_ns,
    polled_since,
)

LONGEST_WAIT_AGAIN_S = 10.0
"""The longest wait for traffic after an earlier one was given up."""


class Waits:
    """Waits for what the traffic does by itself.

    A wait that takes too long is given up and recorded, and the scenario goes on: it heals what it broke and
    reads all mailboxes, and what was recorded is judged. If that finds nothing broken, the row is
    inconclusive.
    """

    def __init__(self, recorder: Recorder, readers: Readers) -> None:
        self._recorder = recorder
        self._readers = readers

    def for_traffic(self, *, sends: int, polls: int, within_s: float = 30.0) -> None:
        """Wait until at least `sends` and `polls` that begin from now on are answered in any way."""
        if given_up(self._recorder.history()):
            within_s = min(within_s, LONGEST_WAIT_AGAIN_S)
        already, begin_ns = len(self._recorder.events), time.monotonic_ns()

        def is_enough() -> bool:
            sent, polled = begun_and_answered(self._recorder.events[already:], begin_ns)
            return sent >= sends and polled >= polls

        what = f"fewer than {sends} sends and {polls} polls were answered within {within_s:g} s"
        self._wait(is_enough, begin_ns, within_s, what)

    def for_poll(self, client: Client, *, within_s: float = 15.0) -> None:
        """Wait for the end of a poll of this user that begins from now on: the next is an interval away."""
        already, begin_ns = len(self._recorder.events), time.monotonic_ns()

        def has_polled() -> bool:
            return polled_since(self._recorder.events[already:], client.username, begin_ns)

        what = f"no poll of {client.username} was over within {within_s:g} s"
        self._wait(has_polled, begin_ns, within_s, what)

    def for_delivery(self) -> None:
        """Wait until every acked message has arrived at every consumer of its recipient, or is overdue."""
        history = self._recorder.history()
        acked, overdue_ns = acked_messages(history), overdue_after_ns(history)
        while time.monotonic_ns() < overdue_ns and lacking(self._readers.running, acked):
            time.sleep(LOOK_AGAIN_S)

    def for_recovery(self) -> None:
        """Let the traffic go on until the server must have recovered, and longer, for something to judge."""
        self.until_recovery_is_due()
        self.for_traffic(sends=15, polls=5)

    def until_recovery_is_due(self) -> None:
        """Wait for the point in time at which the server must have recovered from the last fault."""
        history = self._recorder.history()
        due_ns = healed_ns(history) + int(history.bounds.recovers_within_s * NS_PER_S)
        time.sleep(max(0, due_ns - time.monotonic_ns()) / NS_PER_S)

    def _wait(self, is_over: Callable[[], bool], begin_ns: int, within_s: float, what: str) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if is_over():
                return
            time.sleep(LOOK_AGAIN_S)
        self._recorder.record("gave_up", of="traffic", what=what, since=begin_ns)
