"""What the clients of an execution sent and received."""

from __future__ import annotations

from dataclasses import dataclass, field

from reference_server.message import Message


class Violation(AssertionError):
    """A promise is broken."""


@dataclass
class Send:
    """A message that a client wants to send, and what it was answered at each attempt."""

    sender: str
    content: str
    client_id: str
    outcomes: list[str] = field(default_factory=list)
    acked: Message | None = None
    acked_s: float = 0.0
    acked_as_new: int = 0
    """Acks that were not `replayed`."""
    to: str = "bob"

    @property
    def may_arrive(self) -> bool:
        """Whether it may be in the mailbox: not if each attempt was certainly refused."""
        return any(outcome != "not_stored" for outcome in self.outcomes)


@dataclass
class Chain:
    """A reader's polls, each from where the one before ended."""

    reader: str
    limit: int
    cursor_us: int | None = None
    next_seq: int = 1
    mailbox: str = "bob"
    received: list[Message] = field(default_factory=list)


@dataclass
class History:
    """All of them."""

    sends: list[Send] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)

    def fingerprint(self) -> int:
        """Return what the checks depend on beyond what the actors know."""
        return hash(tuple((send.client_id, send.acked is not None) for send in self.sends))
