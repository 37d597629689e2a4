"""Who writes and who polls in a scenario, from when until when."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.client import Answer, Client
from harness.client.patience import Patience
from harness.client.variety.variety import Manner, Variety
from harness.history import NS_PER_S, Bounds, Outcome, Recorder
from harness.run.broken import NotAcked
from harness.run.exchange import send
from harness.run.traffic import LONGEST_ROUND_S, Reader, Sender, stop_all
from harness.run.users import Users
from harness.targets.instances import Instances

Pair = tuple[Client, Client]
"""Who writes to whom."""
RETRY_PAUSE_S = 0.1
GIVE_UP_AFTER_S = LONGEST_ROUND_S - 8.0  # the last try takes a time-out more
SILENT_FOR_S = 20.0
"""So long none of many sends may be answered."""
LATE_S = 90.0
"""So much later than planned the last of many may be sent."""
LOOK_AGAIN_S = 0.05
SIDE_BY_SIDE = 6


class Conversations(Users):
    """Sends and consumers, recorded. What was started here goes on until `read_all` of the run."""

    def __init__(
        self, instances: Instances, recorder: Recorder, variety: Variety, *, seed: int, bounds: Bounds
    ) -> None:
        super().__init__(instances, recorder, variety)
        self.random = random.Random(seed)
        self.bounds = bounds
        self.complaints: list[str] = []
        """What was wrong with answers to ordinary requests, where there is no checker for it."""
        self.refused: list[tuple[Manner, Answer]] = []
        """The ordinary sends that were answered 4xx: all of them are legal."""
        self._readers: list[Reader] = []
        self._senders: list[Sender] = []
        self._consumers = 0
        self._patience = Patience()
        self._last_answered_ns = 0
        self.given_up: list[str] = []
        """What did not come although the scenario waited for it, in sentences."""

    def send(
        self,
        sender: Client,
        recipient: Client,
        content: str | None = None,
        *,
        at: int | None = None,
        retrying: bool = False,
        manner: Manner | None = None,
    ) -> Answer:
        """Send one message; `at` is when it was due, in monotonic ns (default: now). Returns the last answer.

        Without a `manner`, it is sent in the next one of the run's variety; so is its content, unless given.
        `retrying`, as the contract makes safe: with the same client_message_id, until the answer is definite.
        Raises NotServed when one call after the other is not answered.
        """
        return self._patience.after(
            self._send(sender, recipient, content, at=at, retrying=retrying, manner=manner)
        )

    def _send(
        self,
        sender: Client,
        recipient: Client,
        content: str | None,
        *,
        at: int | None,
        retrying: bool,
        manner: Manner | None = None,
    ) -> Answer:
        how = manner or self.variety.manner(sender.username, recipient.username, content, needs_id=retrying)
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            answer = self._send_once(sender, recipient, how, at)
            definite = answer.status is not None and answer.status < 500 and answer.error is None
            if not retrying or definite or time.monotonic() > give_up_at:
                break
            at = None
            time.sleep(RETRY_PAUSE_S)
        if content is None and manner is None and answer.outcome is Outcome.REFUSED and answer.status != 503:
            self.refused.append((how, answer))
        return answer

    def acked(
        self, sender: Client, recipient: Client, content: str | None = None, *, manner: Manner | None = None
    ) -> Answer:
        """Send one message that must be accepted for the scenario to make sense.

        Raises NotAcked when it was not.
        """
        answer = self.send(sender, recipient, content, manner=manner)
        if answer.outcome is not Outcome.OK:
            said = answer.error or answer.body.get("detail")
            raise NotAcked(f"a send was answered {answer.status or 'nothing'}, not 200: {said}")
        return answer

    def send_copies(self, sender: Client, recipient: Client, *, copies: int) -> None:
        """Send one message several times at once with one client_message_id, each over its own connection.

        Each copy is spelled in a way of its own: it is the same message all the same.
        """
        first = self.variety.manner(sender.username, recipient.username, needs_id=True)
        manners = [first, *(self.variety.respelled(first) for _ in range(copies - 1))]
        gate = threading.Barrier(copies)

        def send_with_the_others(manner: Manner) -> Answer:
            gate.wait()
            return self._send_once(sender, recipient, manner, None)

        with ThreadPoolExecutor(copies) as pool:
            answers = list(pool.map(send_with_the_others, manners))
        self._patience.after(min(answers, key=lambda answer: (answer.status is None, answer.seconds)))

    def send_every_kind(self, pairs: Sequence[Pair], *, at_most: int = 1000) -> None:
        """Every pair's first sends to its second until all that can differ between two sends has been sent.

        That is each value of each thing that may differ, and each pair of two values.
        """
        with ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(lambda pair: self._send_every_kind(pair, at_most // len(pairs)), pairs))

    def send_side_by_side(self, pairs: Sequence[Pair]) -> None:
        """Every pair's first sends one message to its second, several at a time."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(lambda pair: self.send(*pair), pairs))

    def send_bursts(self, pairs: Sequence[Pair], sizes: Sequence[int]) -> None:
        """Every pair's first sends its size of messages to its second, one by one; all pairs at once.

        Raises NotAcked when one was not accepted.
        """

        def send_burst(pair: Pair, size: int) -> None:
            for _ in range(size):
                self.acked(*pair)

        with ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(send_burst, pairs, sizes))

    def _send_every_kind(self, pair: Pair, at_most: int) -> None:
        for _ in range(at_most):
            if not self.variety.sends.missing():
                return
            self.send(*pair)

    def read(
        self, *clients: Client, at_once: bool = False, limit: int | None = None, wait_s: float = 0.0
    ) -> None:
        """Each client polls on its own schedule from now on; its first poll comes at once, or anywhere in the
        first interval, since real clients are never in step. `limit` and `wait_s` are its polls' parameters.
        """
        for client in clients:
            reader = self._reader(client, at_once=at_once or wait_s > 0, limit=limit, wait_s=wait_s)
            self._readers.append(reader.start())

    def poll_once(self, client: Client, *, wait_s: float = 0.0) -> Answer:
        """Poll once now, with the client's first consumer or with a new one that has no schedule."""
        if not self._readers_of(client):
            self._readers.append(self._reader(client))
        return self._patience.after(self._readers_of(client)[0].poll_once(wait_s=wait_s).answer)

    def begin_at(self, client: Client, since: str | None, *, limit: int | None = None) -> None:
        """Start a new consumer at this cursor, spelled as it is here: it polls once now, and at the end until
        all is read.
        """
        reader = self._reader(client, since=since, as_given=True, limit=limit)
        self._readers.append(reader)
        self._patience.after(reader.poll_once().answer)

    def peek(self, client: Client, since: str | None, *, limit: int) -> Answer:
        """One page of so many messages at most, from this cursor, and nobody reads on from there."""
        return self._patience.after(self._reader(client, since=since, limit=limit).poll_once().answer)

    def cursor_of(self, client: Client) -> str | None:
        """Where the client's first consumer stands."""
        return self._readers_of(client)[0].cursor

    def go_offline(self, client: Client) -> None:
        """A client's consumers stop polling and keep their cursors, as a closed laptop does."""
        for reader in self._readers_of(client):
            reader.stop()

    def come_back(self, client: Client) -> None:
        """A client's stopped consumers go on from where they were."""
        for reader in self._readers_of(client):
            reader.start()

    def keep_sending(
        self,
        pairs: Sequence[Pair],
        *,
        every_s: float,
        retrying: bool = False,
        content: str | None = None,
        in_step: bool = False,
    ) -> None:
        """Every pair's first writes to its second every `every_s` seconds from now on.

        Each begins at a moment of its own, or all do so at the same one, `in_step`: then races between them
        do not depend on the seed.
        """
        for pair in pairs:
            first_in_s = every_s if in_step else None
            sender = self._sender(
                pair, every_s=every_s, first_in_s=first_in_s, retrying=retrying, content=content
            )
            self._senders.append(sender.start())

    def send_many(
        self, pairs: Sequence[Pair], *, count: int, every_s: float, content: str | None = None
    ) -> None:
        """Every pair's first sends `count` messages to its second, `every_s` seconds apart, side by side.

        In vain, if for long none is answered, or if they take far longer than they should.
        """
        senders = [self._sender(pair, every_s=every_s, count=count, content=content) for pair in pairs]
        begin_ns = self._last_answered_ns = time.monotonic_ns()
        give_up_ns = begin_ns + int((count * every_s + LATE_S) * NS_PER_S)
        for sender in senders:
            sender.start()
        while any(sender.is_sending(LOOK_AGAIN_S) for sender in senders):
            now_ns = time.monotonic_ns()
            if now_ns > min(give_up_ns, self._last_answered_ns + int(SILENT_FOR_S * NS_PER_S)):
                within_s = (now_ns - begin_ns) / NS_PER_S
                what = f"{count * len(pairs)} messages were not all sent within {within_s:.0f} s"
                self.gave_up("sends", what, since_ns=begin_ns)
                break
        stop_all(senders)

    def gave_up(self, of: str, what: str, *, since_ns: int) -> None:
        """Record that something did not come, and go on: what was recorded by the end is judged.

        Where nothing is found broken, the row is inconclusive, for this reason.
        """
        self.given_up.append(what)
        self.recorder.record("gave_up", of=of, what=what, since=since_ns)

    def start_traffic(self, *, pairs: int = 4, every_s: float = 0.5, retrying: bool = False) -> None:
        """New users write to new users who poll, and one of these to himself; another has an empty mailbox.

        Nobody owes that one anything, so during an outage its polls show whether a server knows that it
        cannot know.
        """
        writing, polling = self.users(pairs), self.users(pairs + 1)
        self.read(*polling)
        self.keep_sending(list(zip(writing, polling, strict=False)), every_s=every_s, retrying=retrying)
        self.keep_sending([(polling[0], polling[0])], every_s=2 * every_s, retrying=retrying)

    def stop_sending(self) -> None:
        """Nobody sends any more; who polls goes on."""
        senders, self._senders = self._senders, []
        stop_all(senders)

    def stop_everybody(self) -> None:
        """Nobody sends or polls any more."""
        stop_all([*self._senders, *self._readers])

    def close(self) -> None:
        """End the traffic and close what the users had open."""
        try:
            self.stop_everybody()
        finally:
            super().close()

    def mailboxes(self) -> list[str]:
        """The users who poll."""
        return list(dict.fromkeys(reader.client.username for reader in self._readers))

    def _send_once(self, sender: Client, recipient: Client, manner: Manner, at: int | None) -> Answer:
        recipients_name = recipient.username
        answer = send(sender, self.recorder, recipient=recipients_name, manner=manner, intended_ns=at)
        if answer.status is not None:
            self._last_answered_ns = answer.end_ns
        if answer.outcome is Outcome.OK:
            self.variety.keep(str(answer.body.get("id") or ""))
        return answer

    def _readers_of(self, client: Client) -> list[Reader]:
        return [reader for reader in self._readers if reader.client is client]

    def _reader(
        self,
        client: Client,
        *,
        at_once: bool = True,
        since: str | None = None,
        as_given: bool = False,
        limit: int | None = None,
        wait_s: float = 0.0,
    ) -> Reader:
        self._consumers += 1
        interval_s = self.bounds.poll_interval_s
        return Reader(
            client,
            self.recorder,
            self.variety,
            consumer=f"{client.username}#{self._consumers}",
            interval_s=interval_s,
            first_poll_in_s=0 if at_once else self.random.uniform(0, interval_s),
            since=since,
            as_given=as_given,
            limit=limit,
            wait_s=wait_s,
            complain=self.complaints.append,
        )

    def _sender(
        self,
        pair: Pair,
        *,
        every_s: float,
        first_in_s: float | None = None,
        count: int | None = None,
        retrying: bool = False,
        content: str | None = None,
    ) -> Sender:
        sender, recipient = pair
        return Sender(
            lambda intended_ns: self._send(sender, recipient, content, at=intended_ns, retrying=retrying),
            interval_s=every_s,
            first_in_s=self.random.uniform(0, every_s) if first_in_s is None else first_in_s,
            count=count,
        )

    def _stop_readers(self) -> list[Reader]:
        readers, self._readers = self._readers, []
        stop_all(readers)
        return readers
