"""A limit on the polls of one user that are held open: each takes a connection and some work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class HeldPolls:
    """The held polls of one process. A user's poll beyond `most` is answered as if it had no `wait`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._held.total()

    @contextmanager
    def hold(self, mailbox: str, wait_s: float) -> Iterator[float]:
        """Yield how long a poll of this mailbox may be held, in seconds; count it inside the context."""
        if wait_s <= 0 or self._held[mailbox] >= self._most:
            yield 0.0
            return
        self._held[mailbox] += 1
        try:
            yield wait_s
        finally:
            self._held[mailbox] -= 1
            if not self._held[mailbox]:
                del self._held[mailbox]
