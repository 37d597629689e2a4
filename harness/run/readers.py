"""The users who poll, and the consumers with which they do."""

from __future__ import annotations

from random import Random

from harness.client import Client, Page, Result, require
from harness.client.patience import Patience
from harness.client.variety.variety import Variety
from harness.history import Recorder
from harness.run.complaints import Complaints
from harness.run.consumer import Consumer
from harness.run.worker import stop_all
from harness.semantics import Semantics


class Readers:
    """Consumers of users' mailboxes; one user may have several, as with two browsers."""

    def __init__(
        self,
        recorder: Recorder,
        variety: Variety,
        random: Random,
        complaints: Complaints,
        patience: Patience,
        semantics: Semantics,
    ) -> None:
        self._recorder = recorder
        self._variety = variety
        self._random = random
        self._complaints = complaints
        self._patience = patience
        self._semantics = semantics
        self._interval_s = recorder.history().bounds.poll_interval_s
        self._count = 0
        self._received: dict[str, list[frozenset[str]]] = {}
        """What each user has received, where reading deletes: it comes to one of the user's consumers."""
        self.running: list[Consumer] = []
        """Those that poll on a schedule, or are paused, or read to the end with all others."""

    def start(
        self, *clients: Client, at_once: bool = False, limit: int | None = None, wait_s: float = 0.0
    ) -> None:
        """From now on, let each client poll on its own schedule.

        Its first poll comes at once, or anywhere in the first interval, since real clients are never in step.
        `limit` and `wait_s` are its polls' parameters.
        """
        for client in clients:
            consumer = self.new_consumer(client, at_once=at_once or wait_s > 0, limit=limit, wait_s=wait_s)
            self.running.append(consumer.start())

    def poll_once(self, client: Client, *, wait_s: float = 0.0) -> Result[Page]:
        """Poll once now, with the client's first consumer, or with a new one that has no schedule."""
        if not self._of(client):
            self.running.append(self.new_consumer(client))
        return self.poll_with(self._of(client)[0], wait_s=wait_s)

    def read_from(self, client: Client, since: str | None, *, limit: int | None = None) -> None:
        """Start a new consumer at this cursor, spelled as given.

        It polls once now, and at the end of the scenario until it has read everything.
        """
        consumer = self.new_consumer(client, since=since, as_given=True, limit=limit)
        self.running.append(consumer)
        self.poll_with(consumer)

    def read_page(self, client: Client, since: str | None, *, limit: int) -> Result[Page]:
        """Read one page of at most `limit` messages from this cursor, with a consumer that ends there."""
        return self.poll_with(self.new_consumer(client, since=since, limit=limit))

    def read_plainly(self, client: Client, since: str | None = None, *, limit: int | None = None) -> Page:
        """Return the page of one poll with no other parameters, by a consumer that ends there.

        Raise NotServed if the poll has no success.
        """
        consumer = self.new_consumer(client, since=since, limit=limit, is_plain=True)
        return require(self.poll_with(consumer), "a poll").said

    def pause(self, client: Client) -> None:
        """Let a client's consumers stop polling and keep their cursors, as a closed laptop does."""
        for consumer in self._of(client):
            consumer.stop()

    def resume(self, client: Client) -> None:
        """Let a client's paused consumers go on from where they were."""
        for consumer in self._of(client):
            consumer.start()

    def stop(self) -> list[Consumer]:
        """Stop all consumers for good, and return them. Raise what one of their threads raised."""
        consumers, self.running = self.running, []
        stop_all(consumers)
        return consumers

    def usernames(self) -> list[str]:
        """Return the names of the users who poll."""
        return list(dict.fromkeys(consumer.client.username for consumer in self.running))

    def cursor_of(self, client: Client) -> str | None:
        """Return where the client's first consumer is."""
        return self._of(client)[0].cursor

    def poll_with(self, consumer: Consumer, *, wait_s: float = 0.0) -> Result[Page]:
        """Poll once. Raise NotServed when the server does not answer one call after the other."""
        return self._patience.after(consumer.poll_once(wait_s=wait_s).answer)

    def new_consumer(
        self,
        client: Client,
        *,
        at_once: bool = True,
        since: str | None = None,
        as_given: bool = False,
        limit: int | None = None,
        wait_s: float = 0.0,
        is_plain: bool = False,
    ) -> Consumer:
        """Return a new consumer that has not been started."""
        self._count += 1
        return Consumer(
            client,
            self._recorder,
            self._variety,
            name=f"{client.username}#{self._count}",
            interval_s=self._interval_s,
            first_poll_in_s=0 if at_once else self._random.uniform(0, self._interval_s),
            since=since,
            as_given=as_given,
            limit=limit,
            wait_s=wait_s,
            is_plain=is_plain,
            complain=self._complaints.note,
            semantics=self._semantics,
            received=self._received.setdefault(client.username, [])
            if self._semantics.is_destructive
            else None,
        )

    def _of(self, client: Client) -> list[Consumer]:
        return [consumer for consumer in self.running if consumer.client is client]
