"""Who writes and who polls in a scenario, from when until when."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.client import Answer, Client
from harness.history import Bounds, Outcome, Recorder
from harness.run.broken import PromiseBroken
from harness.run.exchange import send
from harness.run.traffic import Reader, Sender
from harness.run.users import Users
from harness.targets.instances import Instances

Pair = tuple[Client, Client]
"""Who writes to whom."""
RETRY_PAUSE_S = 0.1
GIVE_UP_AFTER_S = 12.0


class Conversations(Users):
    """Sends and poll chains, recorded. What was started here goes on until `read_all` of the run."""

    def __init__(self, instances: Instances, recorder: Recorder, *, seed: int, bounds: Bounds) -> None:
        super().__init__(instances)
        self.random = random.Random(seed)
        self.recorder = recorder
        self.bounds = bounds
        self._readers: list[Reader] = []
        self._senders: list[Sender] = []
        self._chains = 0
        self._sent = 0

    def send(
        self,
        sender: Client,
        recipient: Client,
        content: str | None = None,
        *,
        at: int | None = None,
        retrying: bool = False,
    ) -> Answer:
        """Send one message; `at` is when it was due, in monotonic ns (default: now). Returns the last answer.

        `retrying`, as the contract makes safe: with the same client_message_id, until the answer is definite.
        """
        self._sent += 1
        text = content if content is not None else f"message {self._sent} ✉ {self._token()}"
        own_id = self._token()
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            answer = self._send_once(sender, recipient, text, own_id, at)
            definite = answer.status is not None and answer.status < 500 and answer.error is None
            if not retrying or definite or time.monotonic() > give_up_at:
                return answer
            at = None
            time.sleep(RETRY_PAUSE_S)

    def acked(self, sender: Client, recipient: Client, content: str | None = None) -> Answer:
        """Send one message that must be accepted for the scenario to make sense.

        Raises PromiseBroken when it was not.
        """
        answer = self.send(sender, recipient, content)
        if answer.outcome is not Outcome.OK:
            said = answer.error or answer.body.get("detail")
            raise PromiseBroken(f"a send was answered {answer.status or 'nothing'}, not 200: {said}")
        return answer

    def send_copies(self, sender: Client, recipient: Client, *, copies: int) -> None:
        """Send one message several times at once with one client_message_id, each over its own connection."""
        self._sent += 1
        text, own_id = f"message {self._sent} ✉ {self._token()}", self._token()
        with ThreadPoolExecutor(copies) as pool:
            sends = [
                pool.submit(self._send_once, sender, recipient, text, own_id, None) for _ in range(copies)
            ]
        for each in sends:
            each.result()

    def read(
        self, *clients: Client, at_once: bool = False, limit: int | None = None, wait_s: float = 0.0
    ) -> None:
        """Each client polls on its own schedule from now on; its first poll comes at once, or anywhere in the
        first interval, since real clients are never in step. `limit` and `wait_s` are its polls' parameters.
        """
        for client in clients:
            reader = self._reader(client, at_once=at_once or wait_s > 0, limit=limit, wait_s=wait_s)
            self._readers.append(reader.start())

    def poll_once(self, client: Client) -> Answer:
        """One poll now, of the client's first chain or else of a new one, which polls only when told to."""
        if not self._readers_of(client):
            self._readers.append(self._reader(client))
        return self._readers_of(client)[0].poll_once().answer

    def go_offline(self, client: Client) -> None:
        """A client's chains stop polling and keep their cursors, as a closed laptop does."""
        for reader in self._readers_of(client):
            reader.stop()

    def come_back(self, client: Client) -> None:
        """A client's stopped chains go on from where they were."""
        for reader in self._readers_of(client):
            reader.start()

    def keep_sending(
        self, pairs: Sequence[Pair], *, every_s: float, retrying: bool = False, content: str | None = None
    ) -> None:
        """Every pair's first writes to its second every `every_s` seconds from now on."""
        for pair in pairs:
            sender = self._sender(pair, every_s=every_s, retrying=retrying, content=content)
            self._senders.append(sender.start())

    def send_many(
        self, pairs: Sequence[Pair], *, count: int, every_s: float, content: str | None = None
    ) -> None:
        """Every pair's first sends `count` messages to its second, `every_s` seconds apart, side by side."""
        senders = [self._sender(pair, every_s=every_s, count=count, content=content) for pair in pairs]
        for sender in [sender.start() for sender in senders]:
            sender.wait()

    def start_traffic(self, *, pairs: int = 4, every_s: float = 0.5, retrying: bool = False) -> None:
        """New users write to new users who poll; one more polls an empty mailbox.

        Nobody owes that one anything, so during an outage its polls show whether a server knows that it
        cannot know.
        """
        writing, polling = self.users(pairs), self.users(pairs + 1)
        self.read(*polling)
        self.keep_sending(list(zip(writing, polling, strict=False)), every_s=every_s, retrying=retrying)

    def stop_sending(self) -> None:
        """Nobody sends any more; who polls goes on."""
        senders, self._senders = self._senders, []
        for sender in senders:
            sender.stop()

    def close(self) -> None:
        """End the traffic and close what the users had open."""
        self.stop_sending()
        self._stop_readers()
        super().close()

    def mailboxes(self) -> list[str]:
        """The users who poll."""
        return list(dict.fromkeys(reader.client.username for reader in self._readers))

    def _send_once(self, sender: Client, recipient: Client, text: str, own_id: str, at: int | None) -> Answer:
        return send(
            sender,
            self.recorder,
            recipient=recipient.username,
            content=text,
            client_message_id=own_id,
            intended_ns=at,
        )

    def _readers_of(self, client: Client) -> list[Reader]:
        return [reader for reader in self._readers if reader.client is client]

    def _reader(
        self, client: Client, *, at_once: bool = True, limit: int | None = None, wait_s: float = 0.0
    ) -> Reader:
        self._chains += 1
        interval_s = self.bounds.poll_interval_s
        return Reader(
            client,
            self.recorder,
            chain=f"{client.username}#{self._chains}",
            interval_s=interval_s,
            first_poll_in_s=0 if at_once else self.random.uniform(0, interval_s),
            limit=limit,
            wait_s=wait_s,
        )

    def _sender(
        self,
        pair: Pair,
        *,
        every_s: float,
        count: int | None = None,
        retrying: bool = False,
        content: str | None = None,
    ) -> Sender:
        sender, recipient = pair
        return Sender(
            lambda intended_ns: self.send(sender, recipient, content, at=intended_ns, retrying=retrying),
            interval_s=every_s,
            first_in_s=self.random.uniform(0, every_s),
            count=count,
        )

    def _token(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def _stop_readers(self) -> list[Reader]:
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.stop()
        return readers
