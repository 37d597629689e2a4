"""What the queue layer refuses by itself, whatever the endpoints allow."""

from __future__ import annotations

from reference_server.errors import Refused
from reference_server.interfaces import Cursor
from reference_server.message import Message

QUEUE_CHARACTERS = 10_000
MOST_PER_READ = 100


def check_message(message: Message) -> None:
    """Raise Refused for a message that no queue may hold."""
    if not (message.sender and message.recipient and message.content):
        raise Refused("a queued message needs a sender, a recipient and a content")
    if len(message.content) > QUEUE_CHARACTERS:
        raise Refused(f"a queued message has at most {QUEUE_CHARACTERS:,} characters")


def check_read(cursor: Cursor, limit: int) -> None:
    """Raise Refused for a page that no queue gives."""
    if type(cursor.since_us) is not int:
        raise Refused(f"a cursor is a whole number of microseconds, not {cursor.since_us!r}")
    if type(limit) is not int or not 1 <= limit <= MOST_PER_READ:
        raise Refused(f"a page has 1 to {MOST_PER_READ} messages, not {limit!r}")
