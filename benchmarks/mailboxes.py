"""Mailboxes of a server that is measured, and the requests of their owners."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.clients import Connection, drive
from benchmarks.servers import Reference, polling, sending
from harness.errors import InfrastructureError

TEXT = "message {}: the quick brown fox jumps over the lazy dog"
FILLERS = 16
"""Connections that fill mailboxes side by side."""


@dataclass(frozen=True)
class Mailbox:
    """A mailbox and its owner's token. Each poll was answered as it should be before it is returned."""

    server: Reference
    name: str
    token: str = field(repr=False)

    def send(self, content: str) -> bytes:
        """Return the owner's request that sends a message into this mailbox."""
        return sending(self.token, self.name, content)

    def answer(self, poll: bytes) -> bytes:
        """Return what a poll is answered."""
        with Connection(self.server.address) as connection:
            return connection.ask(poll)

    def cursor(self) -> str:
        """Return the cursor behind the last message."""
        since, has_more = "", True
        while has_more:
            said = json.loads(self.answer(polling(self.token, self.name, f"limit=100{since}")))
            has_more = said["has_more"]
            since = f"&since={said['next_since']}"
        return since.removeprefix("&")

    def idle_poll(self, *, source: str) -> bytes:
        """Return a poll that brings nothing. Raise InfrastructureError if another store answers it."""
        return self._checked(polling(self.token, self.name, self.cursor()), count=0, source=source)

    def page_poll(self, messages: int) -> bytes:
        """Return a poll that brings so many messages."""
        poll = polling(self.token, self.name, f"limit={messages}")
        return self._checked(poll, count=messages, source="redis")

    def _checked(self, poll: bytes, **expected: Any) -> bytes:
        said = json.loads(self.answer(poll))
        if any(said[name] != value for name, value in expected.items()):
            found = {name: said[name] for name in expected}
            raise InfrastructureError(f"A poll that should be answered {expected} was answered {found}.")
        return poll


def filled(server: Reference, count: int, *, messages: int) -> list[Mailbox]:
    """Add users whose mailboxes have so many messages each."""
    names = [f"user-{number}-{secrets.token_hex(3)}" for number in range(count)]
    mailboxes = [Mailbox(server, name, token) for name, token in server.add_users(names).items()]
    fill(mailboxes, messages)
    return mailboxes


def fill(mailboxes: Sequence[Mailbox], messages: int) -> None:
    """Send so many messages into each."""
    sends = [mailbox.send(TEXT.format(number)) for number in range(messages) for mailbox in mailboxes]
    scripts = [iter(sends[at::FILLERS]) for at in range(FILLERS)]
    connections = [Connection(mailboxes[0].server.address) for _ in scripts]
    try:
        drive(connections, scripts, len(sends))
    finally:
        for connection in connections:
            connection.close()
