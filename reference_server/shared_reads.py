"""One poll asks the queue for all that wait: what it finds out answers them, too.

Most polls only need to know that what this process knows is still right (known_heads.py), and any read shows
that. If each of them read its own queue, a process that is behind by more than the lease of the heads would
stay behind for as long as the load lasts: a read costs twice as much as an answer from the heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from reference_server.errors import QueueUnavailable
from reference_server.turns import Turns

_HERE = "queue"

Found = TypeVar("Found")


class SharedReads(Generic[Found]):
    """The reads of one process that others wait for: one at a time.

    A read that fails because the queue is unavailable fails for all who wait: they would only take as long.
    """

    def __init__(self) -> None:
        self._turns = Turns[Callable[[], Found], Sequence[Found]](self._first, everyones=(QueueUnavailable,))

    def take(self, read: Callable[[], Found]) -> Sequence[Found]:
        """Return what `read` returns, or nothing after another one that began after this call.

        Raise what the one that ran raises.
        """
        return self._turns.take(_HERE, read, None)

    def _first(self, _: str, reads: Sequence[Callable[[], Found]]) -> list[Sequence[Found]]:
        """Run the first; the others get nothing."""
        return [(reads[0](),), *(() for _ in reads[1:])]
