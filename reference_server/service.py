"""Sending and polling: the whole policy. MongoDB orders and stores messages; Redis makes polls cheap."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reference_server.catch_up import CatchUp
from reference_server.errors import (
    Failure,
    IdempotencyMismatch,
    NotFound,
    OutcomeUnknown,
    QueueUnavailable,
    StoreUnavailable,
    Unavailable,
)
from reference_server.interfaces import (
    Conversation,
    Cursor,
    Incomplete,
    MessageQueue,
    MessageStore,
    Notifier,
    Outbox,
    Page,
    Untrusted,
)
from reference_server.known_heads import START_US, KnownHeads
from reference_server.message import Draft, Message, new_id
from reference_server.rechecks import Rechecks
from reference_server.rhythm import Rhythm
from reference_server.shared_reads import SharedReads
from reference_server.stale_queues import StaleQueues

log = logging.getLogger(__name__)

_NOTHING = Page((), has_more=False, gap=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """An acked send. If not `queued`, its push is in the outbox. `replayed`: an earlier send stored it."""

    message: Message
    queued: bool
    replayed: bool


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer to a poll. `degraded`: it comes from the store, because the queue could not be used."""

    page: Page
    source: Literal["redis", "mongodb"]
    degraded: bool


class Messenger:
    """The service. `window_age_s` is how far back, in seconds, a poll without a cursor starts."""

    def __init__(
        self,
        queue: MessageQueue,
        store: MessageStore,
        outbox: Outbox,
        catch_up: CatchUp,
        stale_queues: StaleQueues,
        known_heads: KnownHeads,
        notifier: Notifier,
        rechecks: Rechecks,
        rhythm: Rhythm,
        *,
        window_age_s: int,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._store = store
        self._outbox = outbox
        self._catch_up = catch_up
        self._stale_queues = stale_queues
        self._known_heads = known_heads
        self._notifier = notifier
        self._rechecks = rechecks
        self._rhythm = rhythm
        self._shared_reads = SharedReads[Page | Untrusted | Incomplete]()
        self._window_age_us = window_age_s * 1_000_000
        self._now_us = now_us
        self._monotonic = monotonic

    # -- send

    def send(self, sender: str, recipient: str, content: str, client_message_id: str | None) -> Sent:
        """Store a message durably, then push it. Raise NotFound, IdempotencyMismatch, Unavailable."""
        now_us = self._now_us()
        draft = Draft(new_id(now_us), sender, recipient, content, client_message_id)
        message = self._append(draft, now_us)
        replayed = message.id != draft.id
        if replayed and (message.recipient, message.content) != (recipient, content):
            raise IdempotencyMismatch
        # A replay is pushed too: the first worker may have been killed between its insert and its push.
        queued = self._push_or_record(message)
        stored_in = "MongoDB + Redis" if queued else "MongoDB only"
        log.info("Message sent from '%s' to '%s' (%s)", sender, recipient, stored_in)
        return Sent(message, queued, replayed)

    def _append(self, draft: Draft, now_us: int) -> Message:
        try:
            return self._store.append(draft, now_us)
        except LookupError as error:
            raise NotFound(f"There is no user '{draft.recipient}' to send to.") from error
        except StoreUnavailable as error:
            log.warning("Message from '%s' to '%s' not stored: %s", draft.sender, draft.recipient, error)
            raise Unavailable("The message was not stored; send it again.", "not_stored") from error
        except OutcomeUnknown as error:
            self._stale_queues.suspect(draft.recipient)
            log.warning("Message from '%s' to '%s' may be stored: %s", draft.sender, draft.recipient, error)
            detail = "The message may have been stored; send it again with the same client_message_id."
            raise Unavailable(detail, "unknown") from error

    def _push_or_record(self, message: Message) -> bool:
        """Push a stored message; if that fails, record it in the outbox. Return whether it was pushed."""
        try:
            self._catch_up.push_stored(message)
        except Failure as failure:
            log.error("Redis error sending message: %s", failure, exc_info=failure.__cause__)
        else:
            return True
        try:
            self._outbox.record(message.recipient, message.seq)
        except Failure as failure:
            # Stored, but neither pushed nor in the outbox: only this process knows that it must be pushed.
            self._stale_queues.suspect(message.recipient)
            detail = (
                "The message was stored but may arrive late; send it again with the same client_message_id."
            )
            raise Unavailable(detail, "unknown") from failure
        self._stale_queues.add(message.recipient)
        return False

    # -- poll

    def poll(self, mailbox: str, since_us: int | None, limit: int, wait_s: float = 0.0) -> Polled:
        """Return the messages after the cursor; hold an empty answer up to `wait_s`. Raise Unavailable."""
        if wait_s <= 0:
            return self._look(mailbox, since_us, limit)
        deadline = self._monotonic() + wait_s
        with self._notifier.listen(mailbox) as wait_for_notification:
            while True:
                polled = self._look(mailbox, since_us, limit)
                left_s = deadline - self._monotonic()
                if polled.page.messages or left_s <= 0 or self._notifier.is_stopping:
                    return polled
                with self._rechecks.expect(mailbox, since_us, degraded=polled.degraded):
                    wait_for_notification(left_s)

    def _look(self, mailbox: str, since_us: int | None, limit: int) -> Polled:
        self._rhythm.attend()
        if since_us is None:
            cursor = Cursor(self._now_us() - self._window_age_us, given=False)
        else:
            cursor = Cursor(since_us)
        try:
            return self._read(mailbox, cursor, limit)
        except StoreUnavailable as error:
            log.warning("Poll of '%s' cannot be answered: %s", mailbox, error)
            raise Unavailable("Messages cannot be read at the moment; poll again.") from error

    def _read(self, mailbox: str, cursor: Cursor, limit: int) -> Polled:
        """Read the queue if it can be trusted and may have something new, else the store.

        Raise StoreUnavailable.
        """
        if mailbox in self._stale_queues:
            self._known_heads.forget(mailbox)
            return Polled(self._store.read(mailbox, cursor, limit), "mongodb", degraded=True)
        try:
            page = self._read_queue(mailbox, cursor, limit)
        except QueueUnavailable as error:
            log.debug("Poll of '%s' falls back to MongoDB: %s", mailbox, error)
            return Polled(self._store.read(mailbox, cursor, limit), "mongodb", degraded=True)
        if page is None:
            return Polled(self._store.read(mailbox, cursor, limit), "mongodb", degraded=False)
        return Polled(page, "redis", degraded=False)

    def _read_queue(self, mailbox: str, cursor: Cursor, limit: int) -> Page | None:
        """Read the queue, after a rebuild if needed. Return None if it does not reach back to the cursor.

        Raise QueueUnavailable, and StoreUnavailable if the rebuild could not read the store: asking the store
        again would only take longer.
        """
        found = self._read_unless_covered(mailbox, cursor, limit)
        if isinstance(found, Untrusted):
            self._catch_up.push(mailbox)
            found = self._read_list(mailbox, cursor, limit)
        return found if isinstance(found, Page) else None

    def _read_unless_covered(self, mailbox: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """Read the list, unless the known heads show that it has nothing new."""
        since_us = cursor.since_us if cursor.given else START_US
        if not self._known_heads.covered_once(mailbox, since_us):
            return self._read_list(mailbox, cursor, limit)
        began_s = self._monotonic()
        if self._known_heads.cover(mailbox, since_us, began_s):
            return _NOTHING

        def read() -> Page | Untrusted | Incomplete:
            if self._known_heads.cover(mailbox, since_us, began_s):
                return _NOTHING
            return self._read_list(mailbox, cursor, limit)

        own = self._shared_reads.take(read)  # any read can show that the head is still right
        return own[0] if own else read()

    def _read_list(self, mailbox: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        reading = self._known_heads.begin(mailbox)
        found = self._queue.read(mailbox, cursor, limit)
        if isinstance(found, Page) and found.newest:
            self._known_heads.store(reading, found.newest)
        return found

    # -- history

    def conversation(self, user: str, other: str, before_us: int | None, limit: int) -> Page:
        """Return a page of the messages between two users, newest first. Raise Unavailable.

        Two messages, one in each direction, may have the same timestamp. They stay on one page, which may
        then have one message more than `limit`: a cursor between them would lose one.
        """
        try:
            found = self._store.conversation(user, other, before_us, limit + 2)
        except StoreUnavailable as error:
            raise Unavailable("The conversation cannot be read at the moment; try again.") from error
        if len(found) > limit and found[limit].timestamp_us == found[limit - 1].timestamp_us:
            limit += 1
        return Page(found[:limit], has_more=len(found) > limit, gap=False)

    def conversations(self, user: str, limit: int) -> tuple[list[Conversation], bool]:
        """Return a user's newest conversations, and whether there are more. Raise Unavailable."""
        try:
            found = self._store.conversations(user, limit + 1)
        except StoreUnavailable as error:
            raise Unavailable("The conversations cannot be read at the moment; try again.") from error
        return found[:limit], len(found) > limit
