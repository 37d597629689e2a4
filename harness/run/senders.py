"""Users who send at a steady rate, each pair in its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

from harness.client import Ack, Result
from harness.history import NS_PER_S, Recorder
from harness.run.broken import LOOK_AGAIN_S
from harness.run.messages import Messages, Pair
from harness.run.worker import LONGEST_ROUND_S, Worker, stop_all

SILENT_FOR_S = 20.0
"""`send_many` gives up when no send is answered for so long."""
LATE_S = 90.0
"""`send_many` gives up when it takes so much longer than planned."""
OFF_BEAT = 0.93
"""An interval that divides a second would meet the same few fractions of it again and again.

Some bugs live in the others: timestamps compared as text are in order except in the first tenth of a second.
So the interval is a little shorter: 17 sends that should be 0.2 s apart leave no gap of a tenth of a second.
"""


class Sender:
    """Calls `send_one(intended_ns)` about every `interval_s` seconds, in a thread, at most `count` times.

    The schedule is fixed beforehand, so a slow answer cannot hide the sends that it delayed.
    """

    def __init__(
        self,
        send_one: Callable[[int], Result[Ack]],
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
        self._thread = Worker(self._send_on_schedule, "sender")

    def start(self) -> Sender:
        """Begin to send."""
        self._thread.start()
        return self

    def ask_to_stop(self) -> None:
        """Let the send under way be the last one."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop sending. Raise what the thread raised."""
        self.ask_to_stop()
        self._thread.finish(LONGEST_ROUND_S)

    def is_sending(self, for_s: float) -> bool:
        """Wait at most `for_s` seconds; return whether some of `count` messages are still to be sent."""
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


class Senders:
    """Pairs of users of whom the first keeps sending to the second."""

    def __init__(self, messages: Messages, recorder: Recorder, random: Random) -> None:
        self._messages = messages
        self._recorder = recorder
        self._random = random
        self.running: list[Sender] = []

    def start(
        self,
        pairs: Sequence[Pair],
        *,
        every_s: float,
        retrying: bool = False,
        content: str | None = None,
        in_step: bool = False,
    ) -> None:
        """From now on, let every pair's first send to its second every `every_s` seconds.

        Each begins at a random moment, or, `in_step`, all at the same one: then races between them do not
        depend on the seed.
        """
        for pair in pairs:
            first_in_s = every_s if in_step else self._random.uniform(0, every_s)
            send_one = self._send_one(pair, content, retrying=retrying)
            self.running.append(Sender(send_one, interval_s=every_s, first_in_s=first_in_s).start())

    def send_many(
        self, pairs: Sequence[Pair], *, count: int, every_s: float, content: str | None = None
    ) -> None:
        """Let every pair's first send `count` messages to its second, `every_s` seconds apart.

        All pairs send at the same time. Wait for the end, or give up when no send is answered for long, or
        when it takes far longer than planned.
        """
        senders = [
            Sender(
                self._send_one(pair, content),
                interval_s=every_s,
                first_in_s=self._random.uniform(0, every_s),
                count=count,
            )
            for pair in pairs
        ]
        begin_ns = time.monotonic_ns()
        for sender in senders:
            sender.start()
        give_up_ns = begin_ns + int((count * every_s + LATE_S) * NS_PER_S)
        while any(sender.is_sending(LOOK_AGAIN_S) for sender in senders):
            answered_ns = max(begin_ns, self._messages.last_answered_ns)
            if time.monotonic_ns() > min(give_up_ns, answered_ns + int(SILENT_FOR_S * NS_PER_S)):
                self._give_up(count * len(pairs), begin_ns)
                break
        stop_all(senders)

    def stop(self) -> None:
        """Stop sending; readers go on. Raise what one of the threads raised."""
        senders, self.running = self.running, []
        stop_all(senders)

    def _send_one(
        self, pair: Pair, content: str | None, *, retrying: bool = False
    ) -> Callable[[int], Result[Ack]]:
        sender, recipient = pair
        return lambda due_ns: self._messages.send_due(
            sender, recipient, content, due_ns=due_ns, retrying=retrying
        )

    def _give_up(self, count: int, since_ns: int) -> None:
        within_s = (time.monotonic_ns() - since_ns) / NS_PER_S
        what = f"{count} messages were not all sent within {within_s:.0f} s"
        self._recorder.record("gave_up", of="sends", what=what, since=since_ns)
