"""Taking turns at a mailbox: within one process, one sender at a time, first come, first served.

Without turns, many senders to one mailbox all read the same head, and all but one of them insert in vain:
fifty at once took longer than their time limits, and the timeouts looked like a broken MongoDB. Why not a
lock: whoever gives it back may take it again before those who wait, and some of them waited in vain.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from reference_server.errors import StoreUnavailable


class _Turn:
    """One mailbox's. Who ends a turn hands it on to whoever has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def begin(self, timeout_s: float) -> bool:
        """Wait for the turn; False if it did not come in time."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            my_turn = threading.Event()
            self._waiting.append(my_turn)
        if my_turn.wait(timeout_s):
            return True
        with self._guard:
            if my_turn.is_set():  # handed on between the timeout and here
                return True
            self._waiting.remove(my_turn)
            return False

    def end(self) -> None:
        """Hand the turn on."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


class Turns:
    """One turn a mailbox, for as long as somebody has or awaits it."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @contextmanager
    def take(self, mailbox: str, timeout_s: float) -> Iterator[None]:
        """Wait for the turn and keep it inside the context. Raises StoreUnavailable after the timeout."""
        turn = self._turns.setdefault(mailbox, _Turn())
        if not turn.begin(timeout_s):
            raise StoreUnavailable(f"too many are sending to '{mailbox}' at once")
        try:
            yield
        finally:
            turn.end()
