"""What a scenario waits for: traffic, recovery, the end of every mailbox. Each wait has an end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.checkers.serving import ENDLESS_AFTER
from harness.client import Client
from harness.client.variety.variety import Variety
from harness.history import NS_PER_S, Bounds, Recorder
from harness.run.broken import CertainlyBroken, Deadline, PromiseBroken
from harness.run.conversations import LOOK_AGAIN_S, Conversations
from harness.run.queues import Queues
from harness.run.recorded import (
    Acked,
    acked_messages,
    begun_and_answered,
    healed_ns,
    polled_since,
    quiet_after_ns,
)
from harness.run.traffic import Reader
from harness.targets.instances import Instances

DRAIN_WITHIN_S = 20.0
DRAIN_ALL_WITHIN_S = 45.0
GIVE_UP_AFTER = 2 * ENDLESS_AFTER
"""So many polls in a row promise more and bring nothing: then none will, and a checker can tell."""
LONGEST_WAIT_AGAIN_S = 10.0
"""For traffic, once it was waited for in vain."""


@dataclass(frozen=True)
class _Wrong:
    what: str
    looked_at_ns: int


class Waiting(Conversations):
    """Conversations that can be waited for, and that are read to their end."""

    def __init__(
        self,
        instances: Instances,
        recorder: Recorder,
        variety: Variety,
        queues: Queues,
        *,
        seed: int,
        bounds: Bounds,
        stores_as_the_contract: bool,
    ) -> None:
        super().__init__(instances, recorder, variety, seed=seed, bounds=bounds)
        self.stores_as_the_contract = stores_as_the_contract
        """Whether the queues are the lists in Redis that the contract names."""
        self.measured: dict[str, Any] = {}
        self._queues = queues
        self._is_read = False

    def wait_for_delivery(self) -> None:
        """Wait until every acked message has arrived at every consumer of its recipient, or should have."""
        self._wait_for_arrivals(self._readers)

    def wait_for_traffic(self, *, sends: int, polls: int, within_s: float = 30.0) -> None:
        """Let the traffic run until so many sends and polls that begin from now on were answered, anyhow.

        In vain, when it takes longer than `within_s`: then the scenario goes on, heals what it broke and
        reads all mailboxes, and what it recorded is judged.
        """
        already, begin_ns = len(self.recorder.events), time.monotonic_ns()
        if self.given_up:
            within_s = min(within_s, LONGEST_WAIT_AGAIN_S)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            sent, polled = begun_and_answered(self.recorder.events[already:], begin_ns)
            if sent >= sends and polled >= polls:
                return
            time.sleep(LOOK_AGAIN_S)
        what = f"fewer than {sends} sends and {polls} polls were answered within {within_s:g} s"
        self.gave_up("traffic", what, since_ns=begin_ns)

    def wait_for_poll(self, client: Client, *, within_s: float = 15.0) -> None:
        """Wait until a poll of this user that begins from now on is over: the next one is an interval away.

        In vain like `wait_for_traffic`.
        """
        already, begin_ns = len(self.recorder.events), time.monotonic_ns()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if polled_since(self.recorder.events[already:], client.username, begin_ns):
                return
            time.sleep(LOOK_AGAIN_S)
        what = f"no poll of {client.username} was over within {within_s:g} s"
        self.gave_up("traffic", what, since_ns=begin_ns)

    def recover(self) -> None:
        """Let the traffic go on until the server must have recovered, and longer, for something to judge."""
        self._wait_for_recovery()
        self.wait_for_traffic(sends=15, polls=5)

    def wait_for_queues(self, *, but: Client | None = None) -> None:
        """Wait until the queues in Redis are right again, as they must be 2 s after the last heal.

        Looked at are those of mailboxes with messages, `but` for one, and none where the server stores in its
        own way. Raises PromiseBroken, or Inconclusive where the machine left the server no time for it.
        """
        others = but.username if but is not None else ""
        begin_ns = healed_ns(self.recorder.history())
        due = Deadline(self.recorder, begin_ns, self.bounds.recovers_within_s)
        while wrong := self._wrong_queue(but=others):
            if due.has_passed(wrong.looked_at_ns):
                late_s = (wrong.looked_at_ns - begin_ns) / NS_PER_S
                raise CertainlyBroken(f"{late_s:.1f} s after the heal, {wrong.what}")
            time.sleep(LOOK_AGAIN_S)
        after_s = round((time.monotonic_ns() - begin_ns) / NS_PER_S, 3)
        self.measured["queues_right_after_s"] = max(after_s, self.measured.get("queues_right_after_s", 0))

    def require_right_queues(self) -> None:
        """Raise PromiseBroken unless every queue in Redis is right now, also those of empty mailboxes."""
        history = self.recorder.history()
        if wrong := self._wrong_queue(mailboxes={poll.reader for poll in history.polls}):
            due = Deadline(self.recorder, healed_ns(history), self.bounds.recovers_within_s)
            what = f"in the end, {wrong.what}"
            raise CertainlyBroken(what) if due.has_passed(wrong.looked_at_ns) else PromiseBroken(what)

    def read_all(self) -> None:
        """End the traffic and read every mailbox to its end, by its consumers and by one new consumer a user.

        The consumers go on polling until all that was acked has arrived, at most until the promised times are
        over; then each polls until nothing is new. A mailbox that never ends leaves the history undrained.
        At last Redis is looked into, for `bounded`: when it has to be right again.
        """
        self._is_read = True
        self.stop_sending()
        self.wait_for_delivery()
        readers = self._stop_readers()
        clients = {reader.client.username: reader.client for reader in readers}
        fresh = [self._reader(client) for client in clients.values()]
        if self._drain_all([*readers, *fresh]):
            # A message that is still missing may be told lost only by a poll at a time when it was due.
            self._wait_for_arrivals(fresh, poll=True)
            self.recorder.record("drained")
        self._wait_for_recovery()
        self._look_into_redis(clients)

    def read_afresh(self) -> None:
        """Read each mailbox to its end by one new consumer, as somebody does who has just signed in."""
        clients = {reader.client.username: reader.client for reader in self._readers}
        self._drain_all([self._reader(client) for client in clients.values()])

    def read_what_is_left(self) -> None:
        """Read all mailboxes, unless the scenario came to that by itself."""
        if not self._is_read:
            self.read_all()

    def _look_into_redis(self, mailboxes: Iterable[str]) -> None:
        if not self.stores_as_the_contract:
            return
        for mailbox in mailboxes:
            self.recorder.record("queue", **self._queues.look(mailbox))
        self.recorder.record("keys", **self._queues.look_at_all_keys())

    def _wait_for_recovery(self) -> None:
        """Until a point in time, as that is what is promised."""
        due_ns = healed_ns(self.recorder.history()) + int(self.bounds.recovers_within_s * NS_PER_S)
        time.sleep(max(0, due_ns - time.monotonic_ns()) / NS_PER_S)

    def _wait_for_arrivals(self, readers: list[Reader], *, poll: bool = False) -> None:
        """Wait for what was acked; with `poll` until what is missing is lost, however busy the machine."""
        history = self.recorder.history()
        begin_ns, bounds = quiet_after_ns(history), self.bounds
        deadline_ns = begin_ns + int((bounds.delivered_within_s + bounds.poll_interval_s) * NS_PER_S)
        due = Deadline(self.recorder, begin_ns, bounds.delivered_within_s)
        acked = acked_messages(history)
        while (now_ns := time.monotonic_ns()) < deadline_ns or (poll and due.is_worth_waiting_for(now_ns)):
            waiting = [reader for reader in readers if reader.lacks(acked.get(reader.client.username, ()))]
            if not waiting:
                return
            if poll and not self._drain_all(waiting):
                return
            time.sleep(LOOK_AGAIN_S)

    def _wrong_queue(self, *, but: str = "", mailboxes: Iterable[str] = ()) -> _Wrong | None:
        """The first wrong queue of those with messages, `but` for one, and of these `mailboxes` as well."""
        if not self.stores_as_the_contract:
            return None
        looked_at_ns = time.monotonic_ns()
        acked = {mailbox: list[Acked]() for mailbox in mailboxes} | acked_messages(self.recorder.history())
        for mailbox, messages in acked.items():
            if mailbox != but and (what := self._queues.wrong(mailbox, messages)):
                return _Wrong(what, looked_at_ns)
        return None

    def _drain_all(self, readers: Iterable[Reader]) -> bool:
        """Read these consumers to the end, one by one; return False if one has no end or takes too long."""
        deadline = time.monotonic() + DRAIN_ALL_WITHIN_S
        return all(self._drain(reader, deadline) for reader in readers)

    def _drain(self, reader: Reader, until: float) -> bool:
        """Read a mailbox to its end; False, and a note, where that takes too long."""
        begin, empty_promises = time.monotonic(), 0
        deadline = min(begin + DRAIN_WITHIN_S, until)
        while time.monotonic() < deadline and empty_promises < GIVE_UP_AFTER:
            polled = reader.poll_once()
            if polled.is_last:
                return True
            empty_promises = empty_promises + 1 if polled.ok and not polled.brought else 0
            if not polled.brought:
                time.sleep(2 * LOOK_AGAIN_S)
        took_s = time.monotonic() - begin
        text = f"the mailbox of {reader.client.username} was not read to its end in {took_s:.1f} s"
        self.recorder.record("note", text=text)
        return False
