"""What the service needs from the outside world, in the words of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reference_server.message import Draft, Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """The queue holds the mailbox up to `seq`. Smaller than what was pushed: there is a gap after `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The queue cannot be trusted. Read the window from the store *now*, then push it with this claim."""

    claim: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a poll reads on: behind `since_us`.

    `given` is False for a client that has none: it starts at the oldest message of the retained window, and
    `since_us` is then the age at which the window ends.
    """

    since_us: int
    given: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages of a mailbox, oldest first, all behind the cursor, without a hole between them.

    `gap` says that retention dropped messages which a chain that starts here will never get.
    """

    messages: Sequence[Message]
    has_more: bool
    gap: bool


def page_of(
    found: Sequence[Message], cursor: Cursor, limit: int, head_seq: int, *, reaches_back: bool = True
) -> Page:
    """Make a page of up to `limit + 1` messages behind the cursor, of a mailbox of `head_seq` messages.

    `reaches_back` says of a given cursor whether the message before the first one found is still there.
    """
    first_seq = found[0].seq if found else head_seq + 1
    gap = first_seq > 1 and not (cursor.given and reaches_back)
    return Page(found[:limit], has_more=len(found) > limit, gap=gap)


@dataclass(frozen=True, slots=True)
class Untrusted:
    """The queue holds something that may not be the mailbox: rebuild it before reading it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The queue does not reach back to the cursor; the store does."""


class Breaker(Protocol):
    """What the health page and the relay may know of a breaker."""

    @property
    def is_open(self) -> bool:
        """True while the store is not asked at all."""

    @property
    def reason(self) -> Exception | None:
        """Why it is open; None while it is closed."""

    def close(self) -> None:
        """Let requests through again. For the relay alone, after a probe that worked."""


class Guarded(Protocol):
    """A store behind a breaker."""

    @property
    def breaker(self) -> Breaker:
        """The breaker in front of this store."""

    def probe(self) -> bool:
        """Try what the store must be able to do, breaker or not; say whether it worked. It closes nothing."""


class MessageQueue(Guarded, Protocol):
    """The guarded copy of the newest messages of every mailbox.

    Everything raises QueueUnavailable; StoreUnavailable too, where another queue than before is in use and
    that cannot be written down.
    """

    def refresh(self) -> None:
        """Find out whether another queue was in use since the last time; then trust nothing from before."""

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """Add a contiguous batch, oldest first; with a claim, replace a list that still has to be rebuilt.

        Messages the queue has already are skipped, so a push can be repeated. Raises Refused for a message
        that no queue may hold.
        """

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """Give the oldest `limit` messages behind the cursor. Raises Refused for a bad cursor or limit."""


class MessageStore(Guarded, Protocol):
    """The store of record: it orders every mailbox. Everything raises StoreUnavailable."""

    def prepare(self) -> None:
        """Make sure of the indexes that the order rests on."""

    def append(self, draft: Draft, now_us: int) -> Message:
        """Store the draft as its mailbox's newest message, durably, and return it.

        If its sender used its client_message_id before, return that earlier message, whatever it says.
        Raises LookupError if there is no such recipient, StoreUnavailable if nothing was stored, and
        OutcomeUnknown.
        """

    def tail(self, recipient: str, limit: int) -> list[Message]:
        """Give the newest `limit` durable messages of a mailbox, oldest first."""

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        """Give the oldest `limit` durable messages behind `seq`, oldest first."""

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        """Give the oldest `limit` durable messages behind the cursor."""

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        """Give the newest `limit` messages between two users, older than `before_us`, newest first."""

    def recent_recipients(self, limit: int) -> set[str]:
        """Give the mailboxes of about the newest `limit` messages of all."""


class Outbox(Protocol):
    """The durable record of pushes that failed. Every method raises StoreUnavailable."""

    def record(self, recipient: str, seq: int) -> None:
        """Record that the queue of `recipient` may lack messages up to `seq`."""

    def pending(self) -> Mapping[str, int]:
        """Return every mailbox with an entry, and its seq."""

    def remove(self, recipient: str, seq: int) -> None:
        """Remove the entry of a queue that has reached `seq`, unless the entry asks for more."""


class UserStore(Protocol):
    """Who is registered. Everything raises StoreUnavailable."""

    def add(self, username: str, password_hash: str) -> bool:
        """Store a new user durably; False if the username is taken. Perhaps stored if it raises."""

    def password_hash(self, username: str) -> str | None:
        """Give the stored hash, or None if there is no such user."""

    def exists(self, username: str) -> bool:
        """Say whether the username is registered."""


class Notifier(Protocol):
    """Wakes a waiting poll when a message may have come. It may wake it for nothing, or miss a message."""

    def listen(self, mailbox: str) -> AbstractContextManager[Callable[[float], None]]:
        """Take notifications from now on; yield a function that waits for one, with a limit in seconds."""

    @property
    def is_stopping(self) -> bool:
        """True once no poll should wait any more."""
