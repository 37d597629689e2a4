"""Which answer's `next_since` passed a message first: no later poll of that chain can return it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from harness.checkers.chains import Chain
from harness.checkers.cursors import instant
from harness.checkers.messages import Instant, Message
from harness.history import Outcome, Poll


class Passing:
    """The cursors that a chain was handed, each further than all before it."""

    def __init__(self, chain: Chain, timestamps: Mapping[Message, Instant]) -> None:
        self._timestamps = timestamps
        self._polls: list[Poll] = []
        self._cursors: list[Instant] = []
        for poll in chain.polls:
            cursor = instant(poll.next_since) if poll.outcome is Outcome.OK else None
            if cursor is not None and (not self._cursors or cursor > self._cursors[-1]):
                self._polls.append(poll)
                self._cursors.append(cursor)

    def poll(self, message: Message) -> Poll | None:
        """The first poll whose `next_since` passes the message: cursors are exclusive, so a tie passes."""
        timestamp = self._timestamps.get(message)
        if timestamp is None:
            return None
        index = bisect_left(self._cursors, timestamp)
        return self._polls[index] if index < len(self._cursors) else None
