"""The heads of the mailboxes to which this process was the last to append, as far as it knows."""

from __future__ import annotations

from collections import OrderedDict

from reference_server.message import Head, Message

MOST = 10_000
"""Mailboxes. Those with the oldest messages are forgotten first."""


class Heads:
    """Heads that spare a send the look-up of its predecessor. Any of them may be out of date."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, Head] = OrderedDict()

    def take(self, mailbox: str) -> Head | None:
        """Return the head and forget it, as the append that uses it may fail."""
        return self._heads.pop(mailbox, None)

    def keep(self, newest: Message) -> None:
        """Remember the place of a message that is durable."""
        self._heads[newest.recipient] = Head(newest.seq, newest.timestamp_us)
        self._heads.move_to_end(newest.recipient)
        if len(self._heads) > MOST:
            self._heads.popitem(last=False)
