"""What this process knows of mailboxes whose queue may miss messages.

A list that missed its last message looks complete. So polls of these mailboxes are answered by the store,
until the repairer has brought the queue up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

PENDING_S = 5.0
"""How long an insert of unknown outcome may still happen: well over every timeout on its way."""


class Debts:
    """Mailboxes with a durable trace (owed), and mailboxes with an insert of unknown outcome (pending).

    `monotonic` gives seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._owed: frozenset[str] | None = None
        self._just_added: set[str] = set()
        self._pending: dict[str, float] = {}

    def __len__(self) -> int:
        return len((self._owed or frozenset()) | self._just_added)

    def __contains__(self, recipient: object) -> bool:
        """Say whether the queue of this mailbox may miss something: of any, before the first look."""
        return self._owed is None or recipient in self._owed or recipient in self._just_added

    def add(self, recipient: str) -> None:
        """Note a trace that was just written, ahead of the next look at all of them."""
        self._just_added.add(recipient)

    def refresh(self, look: Callable[[], Mapping[str, int]]) -> Mapping[str, int]:
        """Look at every trace there is, and give them.

        One that is added during the look may be missing in what it found, so it is not forgotten for it.
        """
        before = frozenset(self._just_added)
        found = look()
        self._owed = frozenset(found)
        self._just_added -= before
        return found

    def suspect(self, recipient: str, late_s: float = PENDING_S) -> None:
        """Note that a message may be stored, or may be within `late_s`, that nobody is going to push."""
        self._pending[recipient] = self._monotonic() + late_s

    def pending(self) -> list[str]:
        """Give the suspected mailboxes."""
        return list(self._pending)

    def clear(self, recipient: str) -> None:
        """Note that a suspected mailbox was caught up; forget it once nothing late can come any more."""
        if self._pending.get(recipient, 0.0) <= self._monotonic():
            self._pending.pop(recipient, None)
