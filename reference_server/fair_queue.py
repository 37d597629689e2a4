"""A fair queue for hashing passwords: one at a time, and no address keeps the others waiting.

Hashing takes as long as forty polls, on purpose, and anyone may ask for it. So the queue is short, and a
request that does not fit is refused at once. Addresses are served in turn; at one address, the first request
for each account goes before repeated ones. This is fair queueing with "longest queue drop": a full queue
drops a request of the address that has the most of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reference_server.errors import Unavailable


@dataclass(eq=False)
class Waiting:
    """A request in the queue. `released` is set when its turn has come, or when it was dropped."""

    account: str
    rank: int
    """How many requests of the same address and account were waiting before it."""
    released: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False


class FairQueue:
    """The queue of one process. At most `longest` requests wait at a time."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._guard = threading.Lock()
        self._is_busy = False
        self._lines: OrderedDict[str, list[Waiting]] = OrderedDict()
        """By address; the first one is served next."""

    @contextmanager
    def slot(self, network: str, account: str) -> Iterator[None]:
        """Wait for the slot and keep it inside the context. Raise Unavailable if this request is dropped."""
        waiting = self.enter(network, account)
        if waiting is not None:
            waiting.released.wait()
            if waiting.dropped:
                raise Unavailable("Too many are signing in or registering at once; try again.")
        try:
            yield
        finally:
            self.leave()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def enter(self, network: str, account: str) -> Waiting | None:
        """Take the slot and return None, or return a place in the line of this address."""
        with self._guard:
            if not self._is_busy:
                self._is_busy = True
                return None
            line = self._lines.setdefault(network, [])
            waiting = Waiting(account, rank=sum(other.account == account for other in line))
            line.append(waiting)
            if len(self) > self._longest:
                self._drop_one()
            return waiting

    def _drop_one(self) -> None:
        """Drop the last request of the longest line."""
        network, line = max(self._lines.items(), key=lambda item: len(item[1]))
        last = max(reversed(line), key=lambda waiting: waiting.rank)
        last.dropped = True
        self._remove(network, last)

    def leave(self) -> None:
        """Hand the slot to the first request of the next address."""
        with self._guard:
            if not self._lines:
                self._is_busy = False
                return
            network, line = next(iter(self._lines.items()))
            self._lines.move_to_end(network)
            self._remove(network, min(line, key=lambda waiting: waiting.rank))

    def _remove(self, network: str, waiting: Waiting) -> None:
        line = self._lines[network]
        line.remove(waiting)
        if not line:
            del self._lines[network]
        waiting.released.set()
