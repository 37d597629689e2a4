"""Sending and polling: the whole policy. MongoDB orders and keeps; Redis makes polls cheap; either may be gone."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reference_server.catch_up import CatchUp
from reference_server.debts import Debts
from reference_server.errors import (
    Failure,
    IdempotencyMismatch,
    NotFound,
    OutcomeUnknown,
    QueueUnavailable,
    StoreUnavailable,
    Unavailable,
)
from reference_server.interfaces import Cursor, MessageQueue, MessageStore, Page, Untrusted
from reference_server.message import Draft, Message

log = logging.getLogger(__name__)

RECHECK_S = 0.25


@dataclass(frozen=True, slots=True)
class Sent:
    """An acked send. `queued` False: the push is owed. `replayed`: an earlier send with the same id."""

    message: Message
    queued: bool
    replayed: bool


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer to a poll, and where it came from."""

    page: Page
    source: Literal["redis", "mongodb"]
    degraded: bool


class Messenger:
    """The service. Times are microseconds since 1970 (`now_us`) or seconds (`window_age_s`, `wait_s`)."""

    def __init__(
        self,
        queue: MessageQueue,
        store: MessageStore,
        catch_up: CatchUp,
        debts: Debts,
        *,
        window_age_s: int,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._queue = queue
        self._store = store
        self._catch_up = catch_up
        self._debts = debts
        self._window_age_us = window_age_s * 1_000_000
        self._now_us = now_us

    # -- send

    def send(self, sender: str, recipient: str, content: str, client_message_id: str | None) -> Sent:
        """Store a message durably, then queue it. Raises NotFound, IdempotencyMismatch, Unavailable."""
        draft = Draft(uuid.uuid4().hex, sender, recipient, content, client_message_id)
        message = self._store_it(draft)
        replayed = message.id != draft.id
        if replayed and (message.recipient, message.content) != (recipient, content):
            raise IdempotencyMismatch
        # A replay is pushed too: the first try may have been killed between its insert and its push.
        queued = self._queue_it(message)
        log.info(
            "Message sent from '%s' to '%s' (%s)",
            sender,
            recipient,
            "MongoDB + Redis" if queued else "MongoDB only",
        )
        return Sent(message, queued, replayed)

    def _store_it(self, draft: Draft) -> Message:
        try:
            return self._store.append(draft, self._now_us())
        except LookupError as error:
            raise NotFound(f"There is no user '{draft.recipient}' to send to.") from error
        except StoreUnavailable as error:
            log.warning("Message from '%s' to '%s' not stored: %s", draft.sender, draft.recipient, error)
            raise Unavailable("The message was not stored; send it again.", "not_stored") from error
        except OutcomeUnknown as error:
            self._debts.suspect(draft.recipient)
            log.warning("Message from '%s' to '%s' perhaps stored: %s", draft.sender, draft.recipient, error)
            raise Unavailable(
                "The message may have been stored; send it again with the same client_message_id.", "unknown"
            ) from error

    def _queue_it(self, message: Message) -> bool:
        """Push a stored message, or leave the durable trace that its push is owed."""
        try:
            self._catch_up.push(message.recipient, [message])
        except Failure as failure:
            log.error("Redis error sending message: %s", failure, exc_info=failure.__cause__)
        else:
            return True
        try:
            self._store.owe(message.recipient, message.seq)
        except Failure as failure:
            # The message is stored. Without a trace nobody would repair the queue if this process were killed now.
            self._debts.suspect(message.recipient)
            raise Unavailable(
                "The message was stored but perhaps cannot be delivered yet; send it again with the same "
                "client_message_id.",
                "unknown",
            ) from failure
        self._debts.owe(message.recipient)
        return False

    # -- poll

    def poll(self, mailbox: str, since_us: int | None, limit: int, wait_s: float = 0.0) -> Polled:
        """Give the messages behind the cursor; hold an empty answer back up to `wait_s`. Raises Unavailable."""
        deadline = time.monotonic() + wait_s
        while True:
            polled = self._poll_once(mailbox, self._cursor(since_us), limit)
            left_s = deadline - time.monotonic()
            if polled.page.messages or left_s <= 0:
                return polled
            time.sleep(min(RECHECK_S, left_s))

    def _cursor(self, since_us: int | None) -> Cursor:
        if since_us is None:
            return Cursor(self._now_us() - self._window_age_us, given=False)
        return Cursor(since_us)

    def _poll_once(self, mailbox: str, cursor: Cursor, limit: int) -> Polled:
        degraded = mailbox in self._debts
        if not degraded:
            try:
                page = self._read_queue(mailbox, cursor, limit)
            except QueueUnavailable as error:
                log.debug("Poll of '%s' falls back to MongoDB: %s", mailbox, error)
                degraded = True
            else:
                if page is not None:
                    return Polled(page, "redis", degraded=False)
        return Polled(self._read_store(mailbox, cursor, limit), "mongodb", degraded)

    def _read_queue(self, mailbox: str, cursor: Cursor, limit: int) -> Page | None:
        """Read the queue; rebuild it first if it cannot be trusted. None: it does not reach back to the cursor."""
        found = self._queue.read(mailbox, cursor, limit)
        if isinstance(found, Untrusted):
            try:
                self._catch_up.push(mailbox)
            except StoreUnavailable as error:
                raise QueueUnavailable(f"cannot be rebuilt: {error}") from error
            found = self._queue.read(mailbox, cursor, limit)
        return found if isinstance(found, Page) else None

    def _read_store(self, mailbox: str, cursor: Cursor, limit: int) -> Page:
        try:
            return self._store.read(mailbox, cursor, limit)
        except StoreUnavailable as error:
            log.warning("Poll of '%s' cannot be answered: %s", mailbox, error)
            raise Unavailable("Messages cannot be read at the moment; poll again.") from error

    # -- history

    def conversation(
        self, user: str, other: str, before_us: int | None, limit: int
    ) -> tuple[list[Message], bool]:
        """Give a page of what two users wrote each other, newest first, and whether there is more.

        Two messages, one a direction, may carry the same microsecond. They come on the same page, which may then
        hold one message more than `limit`: a cursor between them would lose one. Raises Unavailable.
        """
        try:
            found = self._store.conversation(user, other, before_us, limit + 2)
        except StoreUnavailable as error:
            raise Unavailable("The conversation cannot be read at the moment; try again.") from error
        if len(found) > limit and found[limit].timestamp_us == found[limit - 1].timestamp_us:
            limit += 1
        return found[:limit], len(found) > limit
