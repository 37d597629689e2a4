"""`run`: what a scenario uses. Users, traffic, faults, waiting, checks; everything is recorded.

A scenario reads top-down as a story; see `harness/scenarios/`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.arithmetic import exact_percentile
from harness.broken import CertainlyBroken, Deadline, Inconclusive, PromiseBroken, certain
from harness.checkers import bounded, promise_of, run_checker
from harness.client import Answer, Client
from harness.conversations import Conversations, Pair
from harness.faults import FaultInjector
from harness.history import NS_PER_S, Outcome, Recorder
from harness.instances import Instances
from harness.profile import Profile
from harness.queues import Queues
from harness.recorded import (
    acked_contents,
    begun_and_answered,
    hangs,
    healed_ns,
    polls_served_without,
    quiet_after_ns,
    refusals_without_outcome,
    replays,
    untold_replays,
)
from harness.traffic import Reader
from harness.verdict import Checker, Judgement, Verdict, summed_up
from harness.vitals import Vitals

__all__ = ["Inconclusive", "Pair", "PromiseBroken", "Run", "certain"]

DRAIN_WITHIN_S = 20.0
LOOK_AGAIN_S = 0.05
LOOK_AT_VITALS_EVERY_S = 1.0


@dataclass(frozen=True)
class Turns:
    """The answers to sends and to the polls between them."""

    sends: list[Answer]
    polls: list[Answer]


@dataclass(frozen=True)
class _Wrong:
    what: str
    looked_at_ns: int


class Run(Conversations):
    """One scenario's run against a server of its own, on a database of its own."""

    def __init__(
        self,
        *,
        profile: Profile,
        recorder: Recorder,
        faults: FaultInjector,
        instances: Instances,
        queues: Queues,
        vitals: Vitals,
        seed: int,
        minutes: float,
    ) -> None:
        super().__init__(instances, recorder, seed=seed, bounds=profile.bounds)
        self.faults = faults
        self.stores_as_the_contract = profile.stores_as_the_contract
        """Whether the queues are the lists in Redis that the contract names."""
        self.policy = profile.policy
        self.statuses = profile.statuses
        self.has = profile.has
        self.judgements: list[Judgement] = []
        self.unsatisfied: Exception | None = None
        """What a check raised."""
        self.measured: dict[str, Any] = {}
        self.vitals = vitals
        self.minutes = minutes
        """How long a long row shall last."""
        self._queues = queues

    # Waiting

    def wait_for_delivery(self) -> None:
        """Wait until every acked message has arrived at every chain of its recipient, or should have."""
        self._wait_for_arrivals(self._readers)

    def wait_for_traffic(self, *, sends: int, polls: int, within_s: float = 30.0) -> None:
        """Let the traffic run until so many sends and polls that begin from now on were answered, anyhow.

        Raises Inconclusive when it takes longer than `within_s`: a server that answers nothing at all is
        judged by what was recorded, so check before relying on it.
        """
        already, begin_ns = len(self.recorder.events), time.monotonic_ns()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            sent, polled = begun_and_answered(self.recorder.events[already:], begin_ns)
            if sent >= sends and polled >= polls:
                return
            time.sleep(LOOK_AGAIN_S)
        raise Inconclusive(f"fewer than {sends} sends and {polls} polls were answered within {within_s} s")

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
        """End the traffic and read every mailbox to its end, by its chains and by one new chain a user.

        The chains go on polling until all that was acked has arrived, at most until the promised times are
        over; then each polls until nothing is new. A mailbox that never ends leaves the history undrained.
        At last Redis is looked into, for `bounded`: when it has to be right again.
        """
        self.stop_sending()
        self.wait_for_delivery()
        readers = self._stop_readers()
        clients = {reader.client.username: reader.client for reader in readers}
        fresh = [self._reader(client) for client in clients.values()]
        if all(self._drain(reader) for reader in [*readers, *fresh]):
            # A message that is still missing may be told lost only by a poll at a time when it was due.
            self._wait_for_arrivals(fresh, poll=True)
            self.recorder.record("drained")
        self._wait_for_recovery()
        self._look_into_redis(clients)

    def read_afresh(self) -> None:
        """Read each mailbox to its end by one new chain, as somebody does who has just signed in."""
        for client in {reader.client.username: reader.client for reader in self._readers}.values():
            self._drain(self._reader(client))

    # What was seen

    def hangs(self, for_s: float = 0.06) -> bool:
        """Whether some send has been waiting for its answer so long."""
        return hangs(self.recorder.events[-500:], for_s)

    def replays(self) -> int:
        """How many sends were answered `replayed`: their message was stored by an earlier attempt."""
        return replays(self.recorder.history())

    def untold_replays(self) -> int:
        """How many sends were acked beside another attempt at the same message, and did not say so.

        Of the acked attempts at one message only the one that stored it is no replay.
        """
        return untold_replays(self.recorder.history())

    def refusals_without_outcome(self) -> int:
        """How many sends were answered 503 without saying what became of the message."""
        return refusals_without_outcome(self.recorder.events)

    def polls_served_without(self, store: str) -> int:
        """How many polls were answered 200 while the whole store was away."""
        return polls_served_without(self.recorder.history(), store)

    def take_turns(self, pair: Pair, *, rounds: int, content: str | None = None) -> Turns:
        """So many sends, each followed by a poll of the recipient's; their answers."""
        reader = self._reader(pair[1])
        turns = Turns([], [])
        for _ in range(rounds):
            turns.sends.append(self.send(*pair, content))
            turns.polls.append(reader.poll_once().answer)
        return turns

    def seconds_since_the_heal(self) -> float:
        """How long ago the last fault was seen healed."""
        return (time.monotonic_ns() - healed_ns(self.recorder.history())) / NS_PER_S

    def p99_ms(self, pair: Pair, *, rounds: int) -> float:
        """The 99th percentile of so many sends and as many polls, one after the other, in milliseconds."""
        turns = self.take_turns(pair, rounds=rounds)
        seconds = [answer.seconds for answer in turns.sends + turns.polls]
        return round(exact_percentile(seconds, 99) * 1000, 1)

    def watch(self, *, minutes: float) -> None:
        """Let the traffic run so long, and look at what the server holds on to about once a second."""
        begin = time.monotonic()
        looks = 0
        while time.monotonic() < begin + minutes * 60:
            self.recorder.record("vitals", values=self.vitals.sample())
            looks += 1
            time.sleep(max(0.0, begin + looks * LOOK_AT_VITALS_EVERY_S - time.monotonic()))

    def measure(self, name: str, value: float, *, target: float, acceptable: float) -> None:
        """Tell a number beside what it should be and what it may be; its name ends in its unit.

        Raises PromiseBroken where it is not even acceptable.
        """
        *_, unit = name.split("_")
        self.measured |= {name: value, f"target_{unit}": target, f"acceptable_{unit}": acceptable}
        if value > acceptable:
            raise PromiseBroken(f"{name} is {value:.4g}, and {acceptable:g} would be acceptable")

    # Verdicts

    def check(self, *checkers: Checker) -> None:
        """Judge the history so far by these promises; by `bounded` only where it is known what is in Redis.

        Raises PromiseBroken if one is broken, else Inconclusive if one cannot be decided.
        """
        if not self.stores_as_the_contract:
            checkers = tuple(checker for checker in checkers if checker is not bounded)
        history = self.recorder.judging(map(promise_of, checkers))
        self.judgements += (new := [run_checker(checker, history) for checker in checkers])
        verdict, reason = summed_up(new)
        if verdict is not Verdict.PASS:
            self.unsatisfied = (PromiseBroken if verdict is Verdict.FAIL else Inconclusive)(reason)
            raise self.unsatisfied

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
        history = self.recorder.history()
        deadline_ns = quiet_after_ns(history) + int(
            (self.bounds.delivered_within_s + self.bounds.poll_interval_s) * NS_PER_S
        )
        owed = [
            (reader, send.content)
            for send in history.sends
            for reader in readers
            if send.outcome is Outcome.OK and send.recipient == reader.client.username
        ]
        while time.monotonic_ns() < deadline_ns:
            waiting = {id(reader): reader for reader, content in owed if content not in reader.received}
            if not waiting:
                return
            if poll:
                for reader in waiting.values():
                    self._drain(reader)
            time.sleep(LOOK_AGAIN_S)

    def _wrong_queue(self, *, but: str = "", mailboxes: Iterable[str] = ()) -> _Wrong | None:
        """The first wrong queue of those with messages, `but` for one, and of these `mailboxes` as well."""
        if not self.stores_as_the_contract:
            return None
        looked_at_ns = time.monotonic_ns()
        acked = {mailbox: list[str]() for mailbox in mailboxes} | acked_contents(self.recorder.history())
        for mailbox, contents in acked.items():
            if mailbox != but and (what := self._queues.wrong(mailbox, contents)):
                return _Wrong(what, looked_at_ns)
        return None

    def _drain(self, reader: Reader) -> bool:
        """Read a mailbox to its end; False, and a note, where that takes too long."""
        deadline = time.monotonic() + DRAIN_WITHIN_S
        while time.monotonic() < deadline:
            polled = reader.poll_once()
            if polled.ok and not polled.more:
                return True
            if not polled.ok:
                time.sleep(0.1)
        text = f"the mailbox of {reader.client.username} was not read to its end in {DRAIN_WITHIN_S} s"
        self.recorder.record("note", text=text)
        return False
