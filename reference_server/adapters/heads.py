"""The heads of the mailboxes to which this process was the last to append, as far as it knows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from reference_server.message import Head, Message

MOST = 10_000
"""Mailboxes. Those with the oldest messages are forgotten first."""
STEADY = 4
"""Appends in a row after which the next one is expected to be this process's, too."""


@dataclass(frozen=True, slots=True)
class Known:
    """A head, and how many appends in a row to its mailbox were this process's."""

    head: Head
    in_a_row: int = 0

    @property
    def is_steady(self) -> bool:
        """Whether it is hardly ever out of date."""
        return self.in_a_row >= STEADY


class Heads:
    """Heads that spare a send the look-up of its predecessor. Any of them may be out of date."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, Known] = OrderedDict()

    def take(self, mailbox: str) -> Known | None:
        """Return the head and forget it, as the append that uses it may fail."""
        return self._heads.pop(mailbox, None)

    def keep(self, newest: Message, *, after: Known) -> None:
        """Remember the place of a message that is durable, and was appended after a head."""
        place = Head(newest.seq, newest.timestamp_us)
        self._heads[newest.recipient] = Known(place, after.in_a_row + 1)
        self._heads.move_to_end(newest.recipient)
        if len(self._heads) > MOST:
            self._heads.popitem(last=False)
