"""`run`: what a scenario uses. Users, traffic, faults, waiting, checks; everything is recorded.

A scenario reads top-down as a story; see `harness/scenarios/`.
"""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from harness.checkers import run_checker
from harness.client import Answer, Client, require
from harness.faults import FaultInjector
from harness.history import NS_PER_S, History, Outcome, Recorder
from harness.profile import Profile
from harness.traffic import Reader, Sender, send
from harness.verdict import Checker, Judgement, Verdict

DRAIN_WITHIN_S = 20.0
Pair = tuple[Client, Client]
"""Who writes to whom."""
PASSWORD = "correct horse battery staple"


class PromiseBroken(AssertionError):
    """A checker convicted the server: the row fails."""


class Inconclusive(Exception):
    """The row proved nothing, in either direction."""


class Run:
    """One scenario's run against a server of its own, on a database of its own."""

    def __init__(
        self,
        *,
        profile: Profile,
        recorder: Recorder,
        faults: FaultInjector,
        start: Callable[[], str],
        seed: int,
    ) -> None:
        self.faults = faults
        self.random = random.Random(seed)
        self.judgements: list[Judgement] = []
        self.measured: dict[str, Any] = {}
        self.bounds = profile.bounds
        self.recorder = recorder
        self._start = start
        self._base_url: str | None = None
        self._clients: list[Client] = []
        self._readers: list[Reader] = []
        self._senders: list[Sender] = []
        self._chains = 0
        self._sent = 0

    # Users

    def start_server(self) -> str:
        """Start the server under test unless it runs; return its base URL."""
        if self._base_url is None:
            self._base_url = self._start()
        return self._base_url

    def users(self, count: int) -> list[Client]:
        """New signed-in users, with names that no other scenario uses."""
        return [self.user() for _ in range(count)]

    def user(self) -> Client:
        """One new signed-in user."""
        client = self.registered()
        self.sign_in(client)
        return client

    def registered(self) -> Client:
        """One new user who has not signed in."""
        names = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
        # Not from the seed: a Redis that is not ours keeps the mailboxes of earlier runs.
        name = f"{names[len(self._clients) % len(names)]}_{secrets.token_hex(4)}"
        client = Client(self.start_server(), name, PASSWORD)
        self._clients.append(client)
        require(client.register(), 201, "registering")
        return client

    def sign_in(self, client: Client) -> None:
        """Sign a registered user in."""
        require(client.sign_in(), 200, "signing in")

    def second_browser(self, client: Client) -> Client:
        """The same user, signed in once more."""
        twin = Client(self.start_server(), client.username, PASSWORD)
        self._clients.append(twin)
        self.sign_in(twin)
        return twin

    # Traffic

    def send(
        self, sender: Client, recipient: Client, content: str | None = None, *, at: int | None = None
    ) -> Answer:
        """Send one message, recorded; `at` is when it was due, in monotonic ns (default: now)."""
        self._sent += 1
        text = content if content is not None else f"message {self._sent} ✉ {self._token()}"
        return send(
            sender,
            self.recorder,
            recipient=recipient.username,
            content=text,
            client_message_id=self._token(),
            intended_ns=at,
        )

    def acked(self, sender: Client, recipient: Client, content: str | None = None) -> Answer:
        """Send one message that must be accepted for the scenario to make sense.

        Raises PromiseBroken when it was not.
        """
        answer = self.send(sender, recipient, content)
        if answer.outcome is not Outcome.OK:
            said = answer.error or answer.body.get("detail")
            raise PromiseBroken(f"a send was answered {answer.status or 'nothing'}, not 200: {said}")
        return answer

    def read(self, *clients: Client, at_once: bool = False) -> None:
        """Each client polls on its own schedule from now until `read_all`; its first poll comes at once, or
        anywhere in the first interval, since real clients are never in step.
        """
        for client in clients:
            self._readers.append(self._reader(client, at_once=at_once).start())

    def keep_sending(self, pairs: Sequence[Pair], *, every_s: float) -> None:
        """Every pair's first writes to its second every `every_s` seconds from now until `read_all`."""
        for pair in pairs:
            self._senders.append(self._sender(pair, every_s=every_s).start())

    def send_many(self, pairs: Sequence[Pair], *, count: int, every_s: float) -> None:
        """Every pair's first sends `count` messages to its second, `every_s` seconds apart, side by side."""
        for sender in [self._sender(pair, every_s=every_s, count=count).start() for pair in pairs]:
            sender.wait()

    def start_traffic(self, *, pairs: int = 4, every_s: float = 0.5) -> None:
        """New users write to new users who poll, from now until `read_all`; one more polls an empty mailbox.

        Nobody owes that one anything, so during an outage its polls show whether a server knows that it
        cannot know.
        """
        writing, polling = self.users(pairs), self.users(pairs + 1)
        self.read(*polling)
        self.keep_sending(list(zip(writing, polling, strict=False)), every_s=every_s)

    def wait_for_delivery(self) -> None:
        """Wait until every acked message has arrived at every chain of its recipient, or should have."""
        history = self.recorder.history()
        deadline_ns = _quiet_after(history) + int(
            (self.bounds.delivered_within_s + self.bounds.poll_interval_s) * NS_PER_S
        )
        owed = [
            (reader, send.content)
            for send in history.sends
            for reader in self._readers
            if send.outcome is Outcome.OK and send.recipient == reader.client.username
        ]
        while time.monotonic_ns() < deadline_ns:
            if all(content in reader.received for reader, content in owed):
                return
            time.sleep(0.02)

    def wait_for_traffic(self, *, sends: int, polls: int, within_s: float = 30.0) -> None:
        """Let the traffic run until so many more sends and polls were answered, in whichever way.

        Raises Inconclusive when it takes longer than `within_s`: a server that answers nothing at all is
        judged by what was recorded, so check before relying on it.
        """
        already = len(self.recorder.events)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            kinds = Counter(event["kind"] for event in self.recorder.events[already:])
            if kinds["sent"] >= sends and kinds["poll"] >= polls:
                return
            time.sleep(0.05)
        raise Inconclusive(f"fewer than {sends} sends and {polls} polls were answered within {within_s} s")

    def read_all(self) -> None:
        """End the traffic and read every mailbox to its end, by its chains and by one new chain a user.

        The chains go on polling until all that was acked has arrived, at most until the promised times are
        over; then each polls until nothing is new. Raises Inconclusive when a mailbox cannot be read.
        """
        self._stop_senders()
        self.wait_for_delivery()
        readers = self._stop_readers()
        clients = {reader.client.username: reader.client for reader in readers}
        for reader in [*readers, *(self._reader(client) for client in clients.values())]:
            self._drain(reader)
        self.recorder.record("drained")

    # Verdicts

    def check(self, *checkers: Checker) -> None:
        """Judge the history so far by these promises.

        Raises PromiseBroken if one is broken, else Inconclusive if one cannot be decided.
        """
        history = self.recorder.history()
        self.judgements += (new := [run_checker(checker, history) for checker in checkers])
        for verdict, kind in ((Verdict.FAIL, PromiseBroken), (Verdict.INCONCLUSIVE, Inconclusive)):
            bad = [
                f"{judgement.promise}: {judgement.reason}"
                for judgement in new
                if judgement.verdict is verdict
            ]
            if bad:
                raise kind("; ".join(bad))

    def close(self) -> None:
        """End the traffic and close what the users had open."""
        self._stop_senders()
        self._stop_readers()
        for client in self._clients:
            client.close()

    def _reader(self, client: Client, *, at_once: bool = True) -> Reader:
        self._chains += 1
        interval_s = self.bounds.poll_interval_s
        return Reader(
            client,
            self.recorder,
            chain=f"{client.username}#{self._chains}",
            interval_s=interval_s,
            first_poll_in_s=0 if at_once else self.random.uniform(0, interval_s),
        )

    def _sender(self, pair: tuple[Client, Client], *, every_s: float, count: int | None = None) -> Sender:
        sender, recipient = pair
        return Sender(
            lambda intended_ns: self.send(sender, recipient, at=intended_ns),
            interval_s=every_s,
            first_in_s=self.random.uniform(0, every_s),
            count=count,
        )

    def _token(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def _stop_senders(self) -> None:
        senders, self._senders = self._senders, []
        for sender in senders:
            sender.stop()

    def _stop_readers(self) -> list[Reader]:
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.stop()
        return readers

    def _drain(self, reader: Reader) -> None:
        deadline = time.monotonic() + DRAIN_WITHIN_S
        while time.monotonic() < deadline:
            answered, more = reader.poll_once()
            if answered and not more:
                return
            if not answered:
                time.sleep(0.1)
        raise Inconclusive(
            f"the mailbox of {reader.client.username} was not read to its end in {DRAIN_WITHIN_S} s"
        )


def _quiet_after(history: History) -> int:
    """When the last ack was, or when the last fault's recovery was due; monotonic ns."""
    recovery_ns = int(history.bounds.recovers_within_s * NS_PER_S)
    acks = [send.end_ns for send in history.sends if send.end_ns is not None]
    heals = [fault.heal_ns + recovery_ns for fault in history.faults if fault.heal_ns is not None]
    return max(acks + heals, default=0)
