"""The interface between the scenarios and the wire: one user's connection to the server under test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.adapters.manners import Asked, Manner
from harness.adapters.results import Ack, Page, Said, Session


@dataclass(frozen=True)
class Site:
    """Where the server is: the URL of each instance; `options` are the profile's `[adapter_options]`."""

    urls: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


class Adapter(ABC):
    """One user's connection. Threads may share it.

    Each method returns what the server said. For a request without success it raises `Refused` (it must
    never take effect), `NotStored` or `Unavailable` (the server says that it cannot, now), or an OSError,
    such as TimeoutError: whether the request took effect is unknown. Any other exception is a fault of the
    adapter, and ends the run. A method never repeats a request by itself, and no request takes longer than
    `timeout_s` in addition to the time that a poll is held open.
    """

    timeout_s = 5.0
    registers = True
    """Users are created by `register`; else those of the profile's list are used."""
    signs_in = True
    """Users sign in; else each request shows who asks, or nothing does."""

    def __init__(self, site: Site, username: str, password: str) -> None:
        self.site = site
        self.username = username
        self.password = password

    @abstractmethod
    def register(self) -> Said | None:
        """Create this user. Raise `Refused` with the status 409 where it exists."""

    @abstractmethod
    def sign_in(self) -> Session | None:
        """Sign this user in, for all later requests."""

    @abstractmethod
    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Send one message; the same id with the same content is a retry of it."""

    @abstractmethod
    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Return the messages of this user's mailbox behind a cursor, the oldest first.

        `since` is the `next_since` of an earlier page, or None for the oldest messages. The server may hold
        the poll open for `wait_s` seconds.
        """

    def history(self, other: str, limit: int | None = None) -> Page:
        """Return the newest page of the conversation with another user, the oldest message first."""
        raise NotImplementedError

    def send_as(self, recipient: str, manner: Manner) -> Ack:
        """Send one message in this manner. An adapter that can write it in several ways overrides this."""
        return self.send(recipient, manner.content, manner.client_message_id)

    def poll_as(self, asked: Asked) -> Page:
        """Poll in this manner. An adapter that can ask in several ways overrides this."""
        return self.poll(asked.since, asked.limit, asked.wait_s)

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Close what is open; a later request opens it again, perhaps to another worker of the server."""


NewAdapter = Callable[[Site, str, str], Adapter]
"""Makes the adapter of one user: of a site, a name and a password."""
