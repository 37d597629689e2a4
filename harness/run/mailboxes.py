"""Reading all mailboxes to their ends."""

from __future__ import annotations

import time
from collections.abc import Iterable

from harness.checkers.serving import ENDLESS_AFTER
from harness.history import Recorder
from harness.run.broken import LOOK_AGAIN_S, Deadline
from harness.run.consumer import Consumer
from harness.run.queue_check import QueueCheck
from harness.run.readers import Readers
from harness.run.recorded import acked_messages, overdue_after_ns, quiet_after_ns
from harness.run.senders import Senders
from harness.run.waits import Waits

DRAIN_WITHIN_S = 20.0
DRAIN_ALL_WITHIN_S = 45.0
GIVE_UP_AFTER = 2 * ENDLESS_AFTER
"""After this number of polls in a row that say there is more and bring nothing, a checker can judge."""
GIVE_UP_READING_AFTER = 10
"""After this number of answers in a row that cannot be read, the next ones cannot be read, either."""


class Mailboxes:
    """The mailboxes of all users who have polled."""

    def __init__(
        self, recorder: Recorder, senders: Senders, readers: Readers, waits: Waits, queues: QueueCheck
    ) -> None:
        self._recorder = recorder
        self._senders = senders
        self._readers = readers
        self._waits = waits
        self._queues = queues
        self._is_read = False

    def read_all(self) -> None:
        """End the traffic and read every mailbox to its end, with its consumers and with one new one.

        The consumers go on polling until all that was acked has arrived or is overdue; then each polls until
        nothing is new. If a mailbox never ends, the history is not marked as drained. At last the queues in
        Redis are recorded, when they have to be right again.
        """
        self._is_read = True
        self._senders.stop()
        self._waits.for_delivery()
        consumers = self._readers.stop()
        fresh = self._one_for_each_user(consumers)
        if self._drain_all([*consumers, *fresh]):
            self._wait_for_late_messages(fresh)
            self._recorder.record("drained")
        self._waits.until_recovery_is_due()
        self._queues.record(consumer.client.username for consumer in fresh)

    def read_afresh(self) -> None:
        """Read each mailbox to its end with one new consumer, like a user who has just signed in."""
        self._drain_all(self._one_for_each_user(self._readers.running))

    def read_what_is_left(self) -> None:
        """Read all mailboxes, unless the scenario has done so."""
        if not self._is_read:
            self.read_all()

    def _one_for_each_user(self, consumers: Iterable[Consumer]) -> list[Consumer]:
        clients = {consumer.client.username: consumer.client for consumer in consumers}
        return [self._readers.new_consumer(client) for client in clients.values()]

    def _wait_for_late_messages(self, consumers: list[Consumer]) -> None:
        """Poll until what is missing must have arrived, however busy the machine is.

        Only a poll at a time when a message was due proves that it is lost, or a cursor that has passed it.
        """
        history = self._recorder.history()
        acked, overdue_ns = acked_messages(history), overdue_after_ns(history)
        due = Deadline(self._recorder, quiet_after_ns(history), history.bounds.delivered_within_s)
        while (now_ns := time.monotonic_ns()) < overdue_ns or due.is_worth_waiting_for(now_ns):
            waiting = [one for one in consumers if one.may_still_get(acked.get(one.client.username, ()))]
            if not waiting or not self._drain_all(waiting):
                return
            time.sleep(LOOK_AGAIN_S)

    def _drain_all(self, consumers: Iterable[Consumer]) -> bool:
        """Read these consumers to the end, one by one; return False if one has no end or takes too long."""
        deadline = time.monotonic() + DRAIN_ALL_WITHIN_S
        return all(self._drain(consumer, deadline) for consumer in consumers)

    def _drain(self, consumer: Consumer, until: float) -> bool:
        """Read a mailbox to its end; return False, and record a note, if that takes too long."""
        begin, empty_promises, unread = time.monotonic(), 0, 0
        deadline = min(begin + DRAIN_WITHIN_S, until)
        while (
            time.monotonic() < deadline and empty_promises < GIVE_UP_AFTER and unread < GIVE_UP_READING_AFTER
        ):
            polled = consumer.poll_once()
            if polled.is_last:
                return True
            empty_promises = empty_promises + 1 if polled.ok and not polled.brought else 0
            unread = unread + 1 if polled.answer.unreadable else 0
            if not polled.brought:
                time.sleep(2 * LOOK_AGAIN_S)
        took_s = time.monotonic() - begin
        text = f"the mailbox of {consumer.client.username} was not read to its end in {took_s:.1f} s"
        self._recorder.record("note", text=text)
        return False
