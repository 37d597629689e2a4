"""The mailboxes whose queue may lack messages, as far as this process knows.

A list that lacks its last message looks complete. So the store answers polls of these mailboxes until the
relay has brought their queue up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

LATE_INSERT_S = 5.0
"""How long an insert of unknown outcome may still take effect: well over every timeout on its way."""


class StaleQueues:
    """Mailboxes with an entry in the outbox, and mailboxes with an insert of unknown outcome (suspected).

    `monotonic` returns seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._in_outbox: frozenset[str] | None = None
        self._just_added: set[str] = set()
        self._suspected: dict[str, float] = {}

    def __len__(self) -> int:
        return len((self._in_outbox or frozenset()) | self._just_added)

    def has_any(self) -> bool:
        """Return whether any queue may lack messages, or is suspected to."""
        return self._in_outbox is None or bool(self._in_outbox or self._just_added or self._suspected)

    def __contains__(self, recipient: object) -> bool:
        """Return whether this queue may lack messages. Before the outbox was read, every queue may."""
        return self._in_outbox is None or recipient in self._in_outbox or recipient in self._just_added

    def add(self, recipient: str) -> None:
        """Add a mailbox whose outbox entry was just written, before the outbox is read again."""
        self._just_added.add(recipient)

    def refresh(self, read_outbox: Callable[[], Mapping[str, int]]) -> Mapping[str, int]:
        """Read the outbox and return its entries.

        An entry that is added while the outbox is being read may be missing from the result, so it is kept.
        """
        before = frozenset(self._just_added)
        found = read_outbox()
        self._in_outbox = frozenset(found)
        self._just_added -= before
        return found

    def suspect(self, recipient: str, late_s: float = LATE_INSERT_S) -> None:
        """Note that a message is stored, or may be within `late_s`, without an outbox entry or a push."""
        self._suspected[recipient] = self._monotonic() + late_s

    def suspected(self) -> list[str]:
        """Return the suspected mailboxes."""
        return list(self._suspected)

    def clear(self, recipient: str) -> None:
        """Note that a suspected queue was brought up to date; forget it once no late insert is possible."""
        if self._suspected.get(recipient, 0.0) <= self._monotonic():
            self._suspected.pop(recipient, None)
