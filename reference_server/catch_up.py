"""Bring a mailbox's queue up to date. Every message enters a queue through this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reference_server.errors import Failure, QueueUnavailable
from reference_server.interfaces import MessageQueue, MessageStore, Rebuild
from reference_server.known_heads import KnownHeads
from reference_server.message import Message
from reference_server.turns import TooLate, Turns

BATCH = 1000
"""Messages that are read from the store and pushed at once to close a gap, at most."""
_ROUNDS = 10
_TURN_TIMEOUT_S = 0.4


class CatchUp:
    """Pushes messages; closes gaps and rebuilds lists from the store when the queue asks for it."""

    def __init__(
        self, queue: MessageQueue, store: MessageStore, known_heads: KnownHeads, *, window: int
    ) -> None:
        self._queue = queue
        self._store = store
        self._known_heads = known_heads
        self._window = window
        self._turns: Turns[Message, int] = Turns(self._push_together)

    def push_stored(self, message: Message) -> int:
        """Push a message, together with those that other threads push to its mailbox meanwhile.

        Return the seq that the queue has reached. Raise like `push`.
        """
        try:
            return self._turns.take(message.recipient, message, _TURN_TIMEOUT_S)
        except TooLate as error:
            raise QueueUnavailable(f"too many are pushing to the queue of '{message.recipient}'") from error

    def _push_together(self, recipient: str, messages: Sequence[Message]) -> list[int | BaseException]:
        """Return for each message the seq that the queue has reached, or the failure."""
        pushed: dict[int, int | BaseException] = {}
        for batch in _contiguous(messages):
            try:
                pushed |= dict.fromkeys((message.seq for message in batch), self.push(recipient, batch))
            except Failure as failure:  # the others would only take as long to fail
                return [pushed.get(message.seq, failure) for message in messages]
        return [pushed[message.seq] for message in messages]

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


def _contiguous(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Yield the messages in order, in batches without a gap, each message once."""
    batch: list[Message] = []
    for message in sorted(set(messages), key=lambda message: message.seq):
        if batch and message.seq != batch[-1].seq + 1:
            yield batch
            batch = []
        batch.append(message)
    yield batch
