"""What this process knows of mailboxes whose queue may miss messages.

A list that missed its last message looks complete. So polls of these mailboxes are answered by the store, until
the repairer has brought the queue up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

PENDING_S = 5.0
"""How long an insert of unknown outcome is expected to possibly still happen: well over every timeout on its way."""


class Debts:
    """Mailboxes with a durable trace (`owed`), and mailboxes with an insert of unknown outcome (`pending`)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._owed: frozenset[str] = frozenset()
        self._pending: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._owed)

    def __contains__(self, recipient: object) -> bool:
        return recipient in self._owed

    def owe(self, recipient: str) -> None:
        """Note a trace that was just written, ahead of the next look at all of them."""
        self._owed |= {recipient}

    def replace(self, owed: Iterable[str]) -> None:
        """Note every trace there is now."""
        self._owed = frozenset(owed)

    def suspect(self, recipient: str) -> None:
        """Note that a message may be stored, or may yet be, that nobody is going to push."""
        self._pending[recipient] = self._monotonic() + PENDING_S

    def pending(self) -> list[str]:
        """Give the suspected mailboxes."""
        return list(self._pending)

    def clear(self, recipient: str) -> None:
        """Note that a suspected mailbox was caught up; forget it once nothing late can come any more."""
        if self._pending.get(recipient, 0.0) <= self._monotonic():
            self._pending.pop(recipient, None)
