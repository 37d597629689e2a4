"""Whose turn it is to have a password hashed: one at a time, and no address keeps the others waiting.

Hashing takes as long as forty polls, on purpose, and anybody may ask for it. So the queue is short, and those
who do not fit in are told at once to come back. Addresses take turns; at one address, whoever asks for many
turns as the same user lets others pass. This is fair queueing with "longest queue drop": whoever fills the
queue is who is sent away.
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
    """A place in the queue: `called` is set when it is this one's turn, or when it was sent away."""

    account: str
    rank: int
    """How many as the same user waited at the same address already."""
    called: threading.Event = field(default_factory=threading.Event)
    sent_away: bool = False


class FairQueue:
    """Of one process. At most `longest` wait at a time."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._guard = threading.Lock()
        self._is_taken = False
        self._lines: OrderedDict[str, list[Waiting]] = OrderedDict()
        """By address; the first one is the next."""

    @contextmanager
    def turn(self, network: str, account: str) -> Iterator[None]:
        """Wait for a turn and keep it inside the context. Raises Unavailable where too many wait."""
        waiting = self.enter(network, account)
        if waiting is not None:
            waiting.called.wait()
            if waiting.sent_away:
                raise Unavailable("Too many are signing in or registering at once; try again.")
        try:
            yield
        finally:
            self.leave()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def enter(self, network: str, account: str) -> Waiting | None:
        """Take the turn, or a place in the line of this address."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return None
            line = self._lines.setdefault(network, [])
            waiting = Waiting(account, rank=sum(other.account == account for other in line))
            line.append(waiting)
            if len(self) > self._longest:
                self._send_one_away()
            return waiting

    def _send_one_away(self) -> None:
        """The last one of the longest line."""
        network, line = max(self._lines.items(), key=lambda item: len(item[1]))
        last = max(reversed(line), key=lambda waiting: waiting.rank)
        last.sent_away = True
        self._remove(network, last)

    def leave(self) -> None:
        """Hand the turn on to the first one at the next address."""
        with self._guard:
            if not self._lines:
                self._is_taken = False
                return
            network, line = next(iter(self._lines.items()))
            self._lines.move_to_end(network)
            self._remove(network, min(line, key=lambda waiting: waiting.rank))

    def _remove(self, network: str, waiting: Waiting) -> None:
        line = self._lines[network]
        line.remove(waiting)
        if not line:
            del self._lines[network]
        waiting.called.set()
