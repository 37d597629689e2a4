"""The mailboxes that have nothing new, as far as this process knows: their polls need not leave it.

Most polls find nothing. So each worker remembers the head (the newest timestamp) of the mailboxes that its
clients poll. A poll whose cursor is not before the head is answered at once, with an empty page.

- A head comes from a read of a trusted queue: `begin` before the read, `store` after it.
- Each push counts itself in Redis and publishes its count and its mailbox, in the same atomic script as its
  write. This notice removes the head, or keeps the head of a read that has begun from being stored.
- Heads are used only while no notice is missing. Each read returns the count, too. Once the notices up to it
  have arrived, the heads were right when that read began, and polls that began before it may use them. Those
  that begin within LEASE_S after it may, too, while no notice is unread. Then one poll reads its queue again,
  for all that wait (shared_reads.py). So a message is in every poll that begins LEASE_S after its ack even if
  its notice was lost, and otherwise in every poll that begins after its notice has reached this machine.
- All heads are dropped when notices may have been lost: when the subscription begins or ends, when a count
  is skipped or starts again, and when what was counted does not arrive. They are dropped, too, when another
  Redis is in use, and when the breaker in front of Redis opens or closes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reference_server.interfaces import Newest

LEASE_S = 0.25
"""As long as a worker may not know of a failed push: see relay.py."""
_NEVER_S = -math.inf
START_US = 0
"""The cursor of a poll that has none: only an empty mailbox certainly has nothing for it."""
MOST_MAILBOXES = 100_000
"""Beyond that, the head that was stored first is forgotten: about 20 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A read of a mailbox's queue that has begun, and the count of the last notice before it."""

    mailbox: str
    began_s: float
    seen: int | None


class KnownHeads:
    """The heads of one process. `monotonic` returns seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._heads: dict[str, int | Reading] = {}
        """The newest timestamp of a mailbox in microseconds, or the read that is to find it out."""
        self._has_unread: Callable[[], bool] | None = None
        self._seen: int | None = None
        """The count of the last notice; None until it is known."""
        self._awaited: tuple[int, float] | None = None
        """A count whose notice has not arrived yet, and when its read began."""
        self._right_at_s = _NEVER_S
        """When the newest read began up to which all notices have arrived."""

    # -- polls

    def cover(self, mailbox: str, since_us: int, began_s: float) -> bool:
        """Return whether a poll that began then need not find a message after `since_us`."""
        return self.covered_once(mailbox, since_us) and (
            began_s <= self._right_at_s or (began_s < self._right_at_s + LEASE_S and not self._is_unread())
        )

    def covered_once(self, mailbox: str, since_us: int) -> bool:
        """Return whether the mailbox had no message after `since_us`, as far as notices have come since."""
        head = self._heads.get(mailbox)
        return type(head) is int and head <= since_us

    def begin(self, mailbox: str) -> Reading:
        """Note that the mailbox's queue is about to be read."""
        reading = Reading(mailbox, self._monotonic(), self._seen)
        is_late = self._awaited is not None and reading.began_s > self._awaited[1] + LEASE_S
        if is_late and not self._is_unread():
            self.unsubscribed()  # and the notifier subscribes anew
        if (
            self.is_subscribed and type(self._heads.get(mailbox)) is not int
        ):  # other polls may use a known one
            if len(self._heads) >= MOST_MAILBOXES:
                del self._heads[next(iter(self._heads))]
            self._heads[mailbox] = reading
        return reading

    def store(self, reading: Reading, newest: Newest) -> None:
        """Note what a read has found. Its head is not known if a notice came meanwhile."""
        if not self.is_subscribed:
            return
        known = self._heads.get(reading.mailbox)
        if known is reading or (type(known) is int and known < newest.timestamp_us):
            self._heads[reading.mailbox] = newest.timestamp_us
        if self._seen is None:
            self._seen = newest.pushes
        if reading.seen is not None and newest.pushes < reading.seen:
            self.drop()
            self._seen = None  # Redis has lost its count: begin with the next read
        elif newest.pushes <= self._seen:
            self._found_right(reading.began_s)
        elif self._awaited is None:
            self._awaited = (newest.pushes, reading.began_s)

    def forget(self, mailbox: str) -> None:
        """Forget the head of a mailbox that has, or may have, a new message."""
        self._heads.pop(mailbox, None)

    # -- notices

    @property
    def is_subscribed(self) -> bool:
        """False if the notifier must subscribe anew."""
        return self._has_unread is not None

    def subscribed(self, has_unread: Callable[[], bool]) -> None:
        """Note that notices arrive from now on. `has_unread` returns whether some have not been read yet."""
        self.drop()
        self._has_unread, self._seen = has_unread, None

    def unsubscribed(self) -> None:
        """Note that no notices arrive any more."""
        self.drop()
        self._has_unread = None

    def noticed(self, mailbox: str, count: int | None) -> None:
        """Note that the mailbox's queue has changed. A worker of an earlier version does not count."""
        if count is not None:
            if self._seen is not None and count != self._seen + 1:
                self.drop()
            self._seen = count
            if self._awaited is not None and self._awaited[0] <= count:
                self._found_right(self._awaited[1])
                self._awaited = None
        self.forget(mailbox)

    def drop(self) -> None:
        """Forget all heads."""
        self._heads.clear()
        self._awaited = None
        self._right_at_s = _NEVER_S

    def _found_right(self, at_s: float) -> None:
        self._right_at_s = max(self._right_at_s, at_s)

    def _is_unread(self) -> bool:
        return self._has_unread is None or self._has_unread()
