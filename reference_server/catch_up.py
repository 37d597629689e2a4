"""Bringing a mailbox's queue up to date: the one way in which anything gets into a queue."""

from __future__ import annotations

from collections.abc import Sequence

from reference_server.errors import QueueUnavailable
from reference_server.interfaces import MessageQueue, MessageStore, Rebuild
from reference_server.message import Message

BATCH = 1000
"""Most messages read from the store and pushed at once to close a gap."""
_ROUNDS = 10


class CatchUp:
    """Pushes, and closes the gap or rebuilds the list from the store when the queue asks for it."""

    def __init__(self, queue: MessageQueue, store: MessageStore, *, window: int) -> None:
        self._queue = queue
        self._store = store
        self._window = window

    def push(self, recipient: str, batch: Sequence[Message] = ()) -> int:
        """Push a batch and whatever the queue misses before it; give the seq the queue has reached.

        With no batch, only make sure that the queue can be trusted. The rounds are bounded, because others
        push and Redis may restart between any two steps. Raises QueueUnavailable, StoreUnavailable.
        """
        target = batch[-1].seq if batch else 0
        claim: str | None = None
        for _ in range(_ROUNDS):
            answer = self._queue.push(recipient, batch, claim)
            if isinstance(answer, Rebuild):
                # Not a moment before the claim was answered: the window must hold what was pushed and then
                # lost.
                claim, batch = answer.claim, self._store.tail(recipient, self._window)
            elif answer.seq >= target:
                return answer.seq
            else:
                claim, batch = None, self._store.following(recipient, answer.seq, BATCH)
        raise QueueUnavailable(f"queue of '{recipient}' has not caught up yet")

    def push_newest(self, recipient: str) -> int:
        """Bring the queue up to the newest durable message; give its seq. Raises like `push`."""
        return self.push(recipient, self._store.tail(recipient, 1))
