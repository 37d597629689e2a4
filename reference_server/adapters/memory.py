"""In-memory fakes that behave like the real adapters: the same contract tests run on both.

The unit tests use them. They also show in a few lines of Python what the Lua scripts and the indexes do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.queue_limits import check_message, check_read
from reference_server.interfaces import (
    Accepted,
    Conversation,
    Cursor,
    Incomplete,
    Newest,
    Page,
    Rebuild,
    Untrusted,
    page_of,
)
from reference_server.message import EMPTY, Draft, Head, Message, place_after


class MemoryQueue:
    """A MessageQueue. `lists` holds the lists that can be trusted, `claims` those that must be rebuilt.

    Whenever a list has changed, each function of `subscribers` gets its name and the count of changes.
    """

    def __init__(self, epoch_of: Callable[[str], str] = lambda identity: "", *, limit: int) -> None:
        self.breaker = CircuitBreaker("MemoryQueue", failures_to_open=2)
        self.lists: dict[str, list[Message]] = {}
        self.claims: dict[str, str] = {}
        self.subscribers: list[Callable[[str, int], object]] = []
        self._pushes = 0
        self._epoch_of = epoch_of
        self._epoch = ""
        self._limit = limit

    def lose(self, recipient: str) -> None:
        """Forget a mailbox, as a Redis that restarted empty does."""
        self.lists.pop(recipient, None)
        self.claims.pop(recipient, None)

    @property
    def pushes(self) -> int:
        """See MessageQueue."""
        return self._pushes

    def probe(self) -> bool:
        """See Guarded."""
        return True

    def refresh(self) -> tuple[str, ...]:
        """See MessageQueue. Lists of another epoch cannot be trusted, so drop them. There is one memory."""
        epoch = self._epoch_of("memory")
        if epoch != self._epoch:
            self._epoch = epoch
            self.lists.clear()
            self.claims.clear()
        return ()

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """See MessageQueue."""
        for message in batch:
            check_message(message)
        if recipient not in self.lists:
            if claim is None or self.claims.get(recipient) != claim:
                return self._ask_to_rebuild(recipient)
            del self.claims[recipient]
            self.lists[recipient] = list(batch)[-self._limit :]
            self._notify(recipient)
        return self._append(recipient, batch)

    def _notify(self, recipient: str) -> None:
        self._pushes += 1
        for take in self.subscribers:
            take(recipient, self._pushes)

    def _ask_to_rebuild(self, recipient: str) -> Rebuild:
        self.lists.pop(recipient, None)
        return Rebuild(self.claims.setdefault(recipient, secrets.token_hex(8)))

    def _append(self, recipient: str, batch: Sequence[Message]) -> Accepted | Rebuild:
        held = self.lists[recipient]
        seq = held[-1].seq if held else 0
        by_seq = {message.seq: message for message in held}
        if any(by_seq.get(message.seq, message) != message for message in batch):
            return self._ask_to_rebuild(recipient)
        if batch and batch[0].seq > seq + 1:
            return Accepted(seq)
        if batch and batch[-1].seq > seq:
            held += [message for message in batch if message.seq > seq]
            del held[: -self._limit]
            self._notify(recipient)
        return Accepted(held[-1].seq if held else 0)

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """See MessageQueue."""
        check_read(cursor, limit)
        if not recipient:
            return Page((), has_more=False, gap=False)
        if recipient not in self.lists:
            return Untrusted("cold")
        held = self.lists[recipient]
        found = [message for message in held if message.timestamp_us > cursor.since_us]
        reaches_back = not held or held[0].seq == 1 or (not cursor.given and len(held) >= self._limit)
        if found and found[0] is held[0] and not reaches_back:
            return Incomplete()
        seq, newest_us = (held[-1].seq, held[-1].timestamp_us) if held else (0, 0)
        newest = Newest(newest_us, self._pushes)
        return page_of(found[: limit + 1], cursor, limit, seq, newest=newest)


class MemoryStore:
    """A MessageStore, Outbox, UserStore and MongoEpochs in one."""

    def __init__(self, *, window: int) -> None:
        self.breaker = CircuitBreaker("MemoryStore", failures_to_open=3)
        self.messages: list[Message] = []
        self.users: dict[str, str] = {}
        self.outbox: dict[str, int] = {}
        self.in_use = ("", "")
        self._window = window

    def probe(self) -> bool:
        """See Guarded."""
        return True

    def prepare(self) -> None:
        """See MessageStore. There are no indexes to create."""

    def append(self, draft: Draft, now_us: int) -> Message:
        """See MessageStore."""
        for earlier in self.messages:
            same_id = (
                draft.client_message_id is not None and earlier.client_message_id == draft.client_message_id
            )
            if same_id and earlier.sender == draft.sender:
                return earlier
        if draft.recipient not in self.users:
            raise LookupError(draft.recipient)
        newest = self.tail(draft.recipient, 1)
        head = Head(newest[0].seq, newest[0].timestamp_us) if newest else EMPTY
        message = place_after(head, draft, now_us)
        self.messages.append(message)
        return message

    def tail(self, recipient: str, limit: int) -> list[Message]:
        """See MessageStore."""
        return self._mailbox(recipient)[-limit:]

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        """See MessageStore."""
        return [message for message in self._mailbox(recipient) if message.seq > seq][:limit]

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        """See MessageStore."""
        mailbox = self._mailbox(recipient)
        window = mailbox if cursor.given else mailbox[-self._window :]
        found = [message for message in window if message.timestamp_us > cursor.since_us]
        reaches_back = not found or found[0].seq == 1 or found[0] is not mailbox[0]
        head_seq = mailbox[-1].seq if mailbox else 0
        return page_of(found[: limit + 1], cursor, limit, head_seq, reaches_back=reaches_back)

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        """See MessageStore."""
        found = [
            message
            for message in self.messages
            if {message.sender, message.recipient} == {one, other}
            and (before_us is None or message.timestamp_us < before_us)
        ]
        return sorted(found, key=lambda message: (-message.timestamp_us, message.recipient))[:limit]

    def conversations(self, user: str, limit: int) -> list[Conversation]:
        """See MessageStore."""
        sent = {message.recipient: message for message in self.messages if message.sender == user}
        received = {message.sender: message for message in self.messages if message.recipient == user}
        others = sent.keys() | received.keys()
        found = [Conversation(other, sent.get(other), received.get(other)) for other in others]
        return sorted(found, key=lambda one: (-one.newest_us, one.other))[:limit]

    def recent_recipients(self, limit: int) -> set[str]:
        """See MessageStore."""
        return {message.recipient for message in self.messages[-limit:]}

    def _mailbox(self, recipient: str) -> list[Message]:
        return [message for message in self.messages if message.recipient == recipient]

    def record(self, recipient: str, seq: int) -> None:
        """See Outbox."""
        self.outbox[recipient] = max(seq, self.outbox.get(recipient, 0))

    def pending(self) -> Mapping[str, int]:
        """See Outbox."""
        return dict(self.outbox)

    def remove(self, recipient: str, seq: int) -> None:
        """See Outbox."""
        if self.outbox.get(recipient, seq + 1) <= seq:
            del self.outbox[recipient]

    def epoch(self, identity: str) -> str:
        """See MongoEpochs."""
        if self.in_use[0] != identity:
            self.in_use = (identity, secrets.token_hex(8))
        return self.in_use[1]

    def add(self, username: str, password_hash: str) -> bool:
        """See UserStore."""
        return self.users.setdefault(username, password_hash) is password_hash

    def password_hash(self, username: str) -> str | None:
        """See UserStore."""
        return self.users.get(username)

    def exists(self, username: str) -> bool:
        """See UserStore."""
        return username in self.users
