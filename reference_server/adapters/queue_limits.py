"""The queue layer's own limits, whatever the endpoints allow."""

from __future__ import annotations

from reference_server.errors import Refused
from reference_server.interfaces import Cursor
from reference_server.message import Message

QUEUE_CHARACTERS = 10_000
MAX_PER_READ = 100


def check_message(message: Message) -> None:
    """Raise Refused for a message that must not be pushed."""
    if not (message.sender and message.recipient and message.content):
        raise Refused("a queued message needs a sender, a recipient and a content")
    if len(message.content) > QUEUE_CHARACTERS:
        raise Refused(f"a queued message has at most {QUEUE_CHARACTERS:,} characters")


def check_read(cursor: Cursor, limit: int) -> None:
    """Raise Refused for an illegal read."""
    if type(cursor.since_us) is not int:
        raise Refused(f"a cursor is a whole number of microseconds, not {cursor.since_us!r}")
    if type(limit) is not int or not 1 <= limit <= MAX_PER_READ:
        raise Refused(f"a page has 1 to {MAX_PER_READ} messages, not {limit!r}")
