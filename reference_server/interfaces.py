"""The interfaces of the stores, and the values they exchange with the service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from reference_server.message import Draft, Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """The queue holds the mailbox up to `seq`. A `seq` below the pushed ones means a gap after it."""

    seq: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The queue cannot be trusted. Read the window from the store *now*, then push it with this claim."""

    claim: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a poll starts: after `since_us`.

    `given` is False for a poll without a cursor. It starts at the oldest message of the retained window, and
    `since_us` is then the time at which the window begins.
    """

    since_us: int
    given: bool = True


@dataclass(frozen=True, slots=True)
class Newest:
    """The time of a mailbox's newest message, and how many pushes the queue had counted then."""

    timestamp_us: int
    pushes: int


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive messages of a mailbox after a cursor, oldest first.

    `gap` is True if retention dropped messages that a consumer with this cursor will never get. A queue adds
    the `newest` that it has: see known_heads.py.
    """

    messages: Sequence[Message]
    has_more: bool
    gap: bool
    newest: Newest | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The newest message that a user sent to `other`, and the newest one received; None without any."""

    other: str
    sent: Message | None
    received: Message | None

    @property
    def newest_us(self) -> int:
        """The time of the newest message."""
        return max(message.timestamp_us for message in (self.sent, self.received) if message)


def page_of(
    found: Sequence[Message],
    cursor: Cursor,
    limit: int,
    head_seq: int,
    *,
    reaches_back: bool = True,
    newest: Newest | None = None,
) -> Page:
    """Return a page of `found`: up to `limit + 1` messages after the cursor. `head_seq` is the newest seq.

    `reaches_back` says, for a given cursor, whether the message before the first one found still exists.
    """
    first_seq = found[0].seq if found else head_seq + 1
    gap = first_seq > 1 and not (cursor.given and reaches_back)
    return Page(found[:limit], len(found) > limit, gap, newest)


@dataclass(frozen=True, slots=True)
class Untrusted:
    """The queue may differ from the mailbox: rebuild it before reading it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The queue does not reach back to the cursor; the store does."""


class Breaker(Protocol):
    """The part of a circuit breaker that the health page and the relay use."""

    @property
    def is_open(self) -> bool:
        """True while no request is sent to the store."""

    @property
    def reason(self) -> Exception | None:
        """Why it is open; None while it is closed."""

    def close(self) -> None:
        """Let requests through again. Only the relay calls this, after a probe that worked."""


class Guarded(Protocol):
    """A store behind a breaker."""

    @property
    def breaker(self) -> Breaker:
        """The breaker in front of this store."""

    def probe(self) -> bool:
        """Try what requests need from the store; return whether it worked. Ignore the breaker."""


class MessageQueue(Guarded, Protocol):
    """The guarded copy of the newest messages of every mailbox.

    Every method raises QueueUnavailable, and StoreUnavailable if another queue than before is in use and its
    new epoch cannot be stored.
    """

    @property
    def pushes(self) -> int:
        """How many pushes, and probes, were counted when the last probe worked."""

    def refresh(self) -> Collection[str]:
        """Check whether another queue was in use meanwhile. If so, trust no list from before.

        Return the mailboxes whose last pushes may be in another queue alone.
        """

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """Add a contiguous batch, oldest first. With a claim, replace a list that must be rebuilt.

        Messages that the queue holds already are skipped, so a push can be repeated. Raise Refused for an
        illegal message.
        """

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """Return the oldest `limit` messages after the cursor. Raise Refused for illegal arguments."""


class MessageStore(Guarded, Protocol):
    """The store of record: it orders every mailbox. Every method raises StoreUnavailable."""

    def prepare(self) -> None:
        """Create the indexes that guarantee the order."""

    def append(self, draft: Draft, now_us: int) -> Message:
        """Store the draft as its mailbox's newest message, durably, and return it.

        If the sender has used this client_message_id before, return that earlier message, whatever its
        content. Raise LookupError if the recipient is unknown, StoreUnavailable if nothing was stored, and
        OutcomeUnknown.
        """

    def tail(self, recipient: str, limit: int) -> list[Message]:
        """Return the newest `limit` durable messages of a mailbox, oldest first.

        All that were acked before are there, whichever process acked them; else raise StoreUnavailable.
        """

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        """Return the oldest `limit` durable messages after `seq`, oldest first."""

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        """Return the oldest `limit` durable messages after the cursor."""

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        """Return the newest `limit` messages between two users, older than `before_us`, newest first."""

    def conversations(self, user: str, limit: int) -> list[Conversation]:
        """Return the `limit` conversations of a user with the newest messages, newest first."""

    def recent_recipients(self, limit: int) -> set[str]:
        """Return the mailboxes of about the newest `limit` messages of the whole store."""


class Outbox(Protocol):
    """The durable record of pushes that failed. Every method raises StoreUnavailable."""

    def record(self, recipient: str, seq: int) -> None:
        """Record that the queue of `recipient` may lack messages up to `seq`."""

    def pending(self) -> Mapping[str, int]:
        """Return every mailbox with an entry, and its seq."""

    def remove(self, recipient: str, seq: int) -> None:
        """Remove the entry of a queue that has reached `seq`, unless the entry asks for more."""


class UserStore(Protocol):
    """The registered users. Every method raises StoreUnavailable."""

    def add(self, username: str, password_hash: str) -> bool:
        """Store a new user durably; return False if the name is taken. After an error it may be stored."""

    def password_hash(self, username: str) -> str | None:
        """Return the stored hash, or None if the user is unknown."""

    def exists(self, username: str) -> bool:
        """Return whether the username is registered."""


class Notifier(Protocol):
    """Wakes a waiting poll when a message may have come. It may wake it for nothing, or miss a message."""

    def listen(self, mailbox: str) -> AbstractContextManager[Callable[[float], None]]:
        """Take notifications from now on; yield a function that waits for one, with a limit in seconds."""

    def notify(self, mailbox: str) -> None:
        """Wake the polls that wait for this mailbox."""

    @property
    def is_stopping(self) -> bool:
        """True once no poll should wait any more."""
