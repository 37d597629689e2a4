"""In-memory counters of one process, for limits that are checked with every message.

This is a storage for the library `limits` and its sliding windows. The library's own storage scans all
counters in background threads, up to a hundred times a second: the more senders, the more a send would cost.
"""

from __future__ import annotations

import time

from limits.storage import MemoryStorage, Storage


class MemoryCounts(MemoryStorage):
    """Counters for windows of `window_s` seconds. Old counters are forgotten."""

    def __init__(self, window_s: int) -> None:
        Storage.__init__(self)  # MemoryStorage's own constructor starts a thread
        self._generation_s = 2 * window_s  # the library's lifetime of a counter
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._next_generation_s = time.monotonic() + self._generation_s

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Increment a counter; return the new count. Override the library's method."""
        self._forget()
        count = self._new[key] = self.get(key) + amount
        return count

    def decr(self, key: str, amount: int = 1) -> int:
        """Decrement a counter; return the new count. Override the library's method."""
        return self.incr(key, self._generation_s, -amount)

    def get(self, key: str) -> int:
        """Return a counter's value. Override the library's method."""
        return self._new.get(key, self._old.get(key, 0))

    def _forget(self) -> None:
        """Keep two generations: drop the counters that were not incremented in the last one."""
        if (now_s := time.monotonic()) >= self._next_generation_s:
            self._old, self._new = self._new, {}
            self._next_generation_s = now_s + self._generation_s
