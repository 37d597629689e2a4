"""Sending messages one by one, every send recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.adapters.manners import Manner
from harness.checkers.unreadable import CHANGED
from harness.client import Ack, Client, Result
from harness.client.patience import Patience
from harness.client.variety.variety import Variety
from harness.errors import NotServed
from harness.history import Outcome, Recorder
from harness.run.broken import NotAcked
from harness.run.complaints import Complaints
from harness.run.exchange import send
from harness.run.worker import LONGEST_ROUND_S

Pair = tuple[Client, Client]
"""A sender and a recipient."""
RETRY_PAUSE_S = 0.1
GIVE_UP_AFTER_S = LONGEST_ROUND_S - 8.0  # the last try takes a time-out more
IN_PARALLEL = 6


class Messages:
    """Sends messages, each in the next manner that the run's variety draws, unless a manner is given."""

    def __init__(
        self, recorder: Recorder, variety: Variety, complaints: Complaints, patience: Patience
    ) -> None:
        self._recorder = recorder
        self._variety = variety
        self._complaints = complaints
        self._patience = patience
        self.last_answered_ns = 0
        """When the last send was answered, in monotonic ns."""

    def send(
        self,
        sender: Client,
        recipient: Client,
        content: str | None = None,
        *,
        retrying: bool = False,
        manner: Manner | None = None,
    ) -> Result[Ack]:
        """Send one message, and return the last answer. The variety draws the content, unless it is given.

        `retrying` sends again until the answer is definite, with the same client_message_id, which the
        contract makes safe. Raise NotServed when the server does not answer one call after the other.
        """
        return self._patience.after(
            self.send_due(sender, recipient, content, retrying=retrying, manner=manner)
        )

    def send_due(
        self,
        sender: Client,
        recipient: Client,
        content: str | None = None,
        *,
        due_ns: int | None = None,
        retrying: bool = False,
        manner: Manner | None = None,
    ) -> Result[Ack]:
        """Send as `send` does, without raising NotServed; `due_ns` is when it was due (default: now)."""
        how = manner or self._variety.manner(sender.username, recipient.username, content, needs_id=retrying)
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            answer = self._send_once(sender, recipient, how, due_ns)
            definite = answer.status is not None and answer.status < 500 and answer.error is None
            if not retrying or definite or time.monotonic() > give_up_at:
                break
            due_ns = None
            time.sleep(RETRY_PAUSE_S)
        is_legal = content is None and manner is None
        if is_legal and answer.outcome is Outcome.REFUSED and answer.status != 503:
            self._complaints.note_refusal(how, answer)
        return answer

    def send_acked(
        self, sender: Client, recipient: Client, content: str | None = None, *, manner: Manner | None = None
    ) -> Result[Ack]:
        """Send one message that the server must accept for the scenario to make sense.

        Raise NotAcked when it does not, NotServed when its answer cannot be read.
        """
        answer = self.send(sender, recipient, content, manner=manner)
        if answer.unreadable:
            raise NotServed(
                f"the answer to a send that had to be accepted could not be read: {answer.why}; {CHANGED}"
            )
        if answer.outcome is not Outcome.OK:
            raise NotAcked(f"a send was answered {answer.status or 'nothing'} and not accepted: {answer.why}")
        return answer

    def send_copies(
        self, sender: Client, recipient: Client, *, copies: int, of: Manner | None = None
    ) -> Manner:
        """Send one message several times at once with one client_message_id, and return its manner.

        It is a new one, or one that was sent before. Each copy goes over its own connection and is spelled
        differently. It is still the same message.
        """
        first = of or self._variety.manner(sender.username, recipient.username, needs_id=True)
        manners = [first, *(self._variety.respelled(first) for _ in range(copies - 1))]
        gate = threading.Barrier(copies)

        def send_with_the_others(manner: Manner) -> Result[Ack]:
            gate.wait()
            return self._send_once(sender, recipient, manner, None)

        with ThreadPoolExecutor(copies) as pool:
            answers = list(pool.map(send_with_the_others, manners))
        self._patience.after(min(answers, key=lambda answer: (answer.status is None, answer.seconds)))
        return first

    def send_every_kind(self, pairs: Sequence[Pair], *, at_most: int = 1000) -> None:
        """Let every pair's first send to its second until every way to send a message has been used.

        That is each value of each thing that can vary, and each pair of two values.
        """
        with ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(lambda pair: self._send_every_kind(pair, at_most // len(pairs)), pairs))

    def send_in_parallel(self, pairs: Sequence[Pair]) -> None:
        """Let every pair's first send one message to its second, several at a time."""
        with ThreadPoolExecutor(IN_PARALLEL) as pool:
            list(pool.map(lambda pair: self.send(*pair), pairs))

    def send_bursts(self, pairs: Sequence[Pair], sizes: Sequence[int]) -> None:
        """Let every pair's first send its size of messages to its second, one by one; all pairs at once.

        Raise NotAcked when one is not accepted.
        """

        def send_burst(pair: Pair, size: int) -> None:
            for _ in range(size):
                self.send_acked(*pair)

        with ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(send_burst, pairs, sizes))

    def _send_every_kind(self, pair: Pair, at_most: int) -> None:
        for _ in range(at_most):
            if not self._variety.sends.missing():
                return
            self.send(*pair)

    def _send_once(
        self, sender: Client, recipient: Client, manner: Manner, due_ns: int | None
    ) -> Result[Ack]:
        answer = send(sender, self._recorder, recipient=recipient.username, manner=manner, intended_ns=due_ns)
        if answer.status is not None:
            self.last_answered_ns = answer.end_ns
        if answer.outcome is Outcome.OK:
            self._variety.keep(answer.said.id)
        return answer
