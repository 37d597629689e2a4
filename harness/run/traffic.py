"""Ordinary traffic: new users who write to each other and poll."""

from __future__ import annotations

from harness.run.readers import Readers
from harness.run.senders import Senders
from harness.run.users import Users
from harness.run.worker import stop_all


class Traffic:
    """Starts ordinary traffic, and stops all traffic."""

    def __init__(self, users: Users, senders: Senders, readers: Readers) -> None:
        self._users = users
        self._senders = senders
        self._readers = readers

    def start(self, *, pairs: int = 4, every_s: float = 0.5, retrying: bool = False) -> None:
        """Let new users write to new users who poll, and one of these to himself; one more only polls.

        No message is due in that one's mailbox, so during an outage its polls show whether the server admits
        what it cannot know.
        """
        users = self._users.new_in_parallel(2 * pairs + 1)
        writing, polling = users[:pairs], users[pairs:]
        self._readers.start(*polling)
        self._senders.start(list(zip(writing, polling, strict=False)), every_s=every_s, retrying=retrying)
        self._senders.start([(polling[0], polling[0])], every_s=2 * every_s, retrying=retrying)

    def stop(self) -> None:
        """Stop all senders and all readers. Raise what one of their threads raised."""
        stop_all([*self._senders.running, *self._readers.running])
