"""Counts that one process keeps for itself, for limits that are looked at with every message.

A storage of `limits` for its sliding windows. The library's own looks at every counter there is, up to a
hundred times a second, in threads of its own: the more senders there are, the more each send would cost.
"""

from __future__ import annotations

import time

from limits.storage import MemoryStorage, Storage


class MemoryCounts(MemoryStorage):
    """Counters of one window length, `window_s` seconds; it holds those who were counted in the last few."""

    def __init__(self, window_s: int) -> None:
        Storage.__init__(self)  # MemoryStorage's own starts the thread
        self._generation_s = 2 * window_s  # as long as the library asks that a counter lives
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._turns_at_s = time.monotonic() + self._generation_s

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; give the new count. Named by the library."""
        self._forget()
        count = self._new[key] = self.get(key) + amount
        return count

    def decr(self, key: str, amount: int = 1) -> int:
        """Take a count back; give the new one. Named by the library."""
        return self.incr(key, self._generation_s, -amount)

    def get(self, key: str) -> int:
        """Give the count; named by the library."""
        return self._new.get(key, self._old.get(key, 0))

    def _forget(self) -> None:
        """Let counters go two generations at a time: what was not counted in the last one is over."""
        if (now_s := time.monotonic()) >= self._turns_at_s:
            self._old, self._new = self._new, {}
            self._turns_at_s = now_s + self._generation_s
