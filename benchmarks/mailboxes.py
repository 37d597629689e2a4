"""Mailboxes of a server that is measured, and the requests of their owners."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.clients import Connection, drive
from benchmarks.servers import Reference, polling, sending
from harness.errors import InfrastructureError
from reference_server.message import new_id

TEXT = "message {}: the quick brown fox jumps over the lazy dog"
FILLERS = 16
"""Connections that fill mailboxes side by side."""


@dataclass(frozen=True)
class Mailbox:
    """A mailbox and its owner's token. Each poll was answered as it should be before it is returned."""

    server: Reference
    name: str
    token: str = field(repr=False)

    def send(self, content: str, *, to: str = "") -> bytes:
        """Return the owner's request that sends a message, by default into this mailbox."""
        return sending(self.token, to or self.name, content)

    def answer(self, poll: bytes) -> bytes:
        """Return what a poll is answered."""
        with Connection(self.server.address) as connection:
            return connection.ask(poll)

    def cursor(self, connection: Connection) -> str:
        """Return the query that polls behind the last message."""
        since, has_more = "", True
        while has_more:
            said = json.loads(connection.ask(polling(self.token, self.name, f"limit=100{since}")))
            has_more = said["has_more"]
            since = f"&since={said['next_since']}"
        return since.removeprefix("&")

    def idle_poll(self) -> bytes:
        """Return a poll that brings nothing. Raise InfrastructureError if it is not answered from Redis."""
        with Connection(self.server.address) as connection:
            cursor = self.cursor(connection)
        return self._checked(polling(self.token, self.name, cursor), count=0, source="redis")

    def is_degraded(self) -> bool:
        """Return whether polls are answered without Redis."""
        return bool(json.loads(self.answer(polling(self.token, self.name, "limit=1")))["degraded"])

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


def new_names(count: int) -> list[str]:
    """Return names that no one had before."""
    return [f"user-{number}-{secrets.token_hex(3)}" for number in range(count)]


def _added(server: Reference, count: int) -> list[Mailbox]:
    return [Mailbox(server, name, token) for name, token in server.add_users(new_names(count)).items()]


def filled(server: Reference, count: int, *, messages: int) -> list[Mailbox]:
    """Add users whose mailboxes have so many messages each."""
    mailboxes = _added(server, count)
    fill(mailboxes, messages)
    return mailboxes


def stored(server: Reference, count: int, *, messages: int) -> list[Mailbox]:
    """Add users with so many messages each, past the endpoints: the server has seen none of them."""
    mailboxes = _added(server, count)
    server.store(_old_messages([mailbox.name for mailbox in mailboxes], messages))
    return mailboxes


def _old_messages(names: Sequence[str], each: int) -> Iterator[dict[str, Any]]:
    """Yield messages as the server stores them, an hour old."""
    began_us = (time.time_ns() // 1000) - 3_600_000_000
    for name in names:
        for seq in range(1, each + 1):
            yield {
                "_id": new_id(began_us + seq),
                "recipient": name,
                "seq": seq,
                "sender": name,
                "content": TEXT.format(seq),
                "timestamp_us": began_us + seq,
                "client_message_id": secrets.token_hex(12),
            }


def fill(mailboxes: Sequence[Mailbox], messages: int, *, text: str = TEXT) -> None:
    """Send so many messages into each."""
    sends = [mailbox.send(text.format(number)) for number in range(messages) for mailbox in mailboxes]
    scripts = [iter(sends[at::FILLERS]) for at in range(FILLERS)]
    with ExitStack() as stack:
        address = mailboxes[0].server.address
        drive([stack.enter_context(Connection(address)) for _ in scripts], scripts, len(sends))
