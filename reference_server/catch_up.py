"""Bring a mailbox's queue up to date. Every message enters a queue through this module."""

from __future__ import annotations

from collections.abc import Sequence

from reference_server.errors import QueueUnavailable
from reference_server.interfaces import MessageQueue, MessageStore, Rebuild
from reference_server.known_heads import KnownHeads
from reference_server.message import Message

BATCH = 1000
"""Messages that are read from the store and pushed at once to close a gap, at most."""
_ROUNDS = 10


class CatchUp:
    """Pushes messages; closes gaps and rebuilds lists from the store when the queue asks for it."""

    def __init__(
        self, queue: MessageQueue, store: MessageStore, known_heads: KnownHeads, *, window: int
    ) -> None:
        self._queue = queue
        self._store = store
        self._known_heads = known_heads
        self._window = window

    def push(self, recipient: str, batch: Sequence[Message] = ()) -> int:
        """Push a batch and whatever the queue lacks before it; return the seq that the queue has reached.

        Without a batch, only make sure that the queue can be trusted. The rounds are bounded, because other
        workers push, and Redis may restart, between any two steps. Raise QueueUnavailable, StoreUnavailable.
        """
        target = batch[-1].seq if batch else 0
        claim: str | None = None
        for _ in range(_ROUNDS):
            answer = self._queue.push(recipient, batch, claim)
            if isinstance(answer, Rebuild):
                # Read the window only now, after the claim was made: it must include every message that was
                # pushed and then lost.
                claim, batch = answer.claim, self._store.tail(recipient, self._window)
            elif answer.seq >= target:
                self._known_heads.forget(recipient)  # at once: the notice may still be on its way
                return answer.seq
            else:
                claim, batch = None, self._store.following(recipient, answer.seq, BATCH)
        raise QueueUnavailable(f"queue of '{recipient}' has not caught up yet")

    def push_newest(self, recipient: str) -> int:
        """Bring the queue up to the newest durable message; return its seq. Raise like `push`."""
        return self.push(recipient, self._store.tail(recipient, 1))
