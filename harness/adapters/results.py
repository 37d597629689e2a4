"""What came back: the raw answer to one request, and what was read out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from harness.history import Outcome, Unreadable

JSON = Mapping[str, Any]


class Malformed(AssertionError):
    """An answer does not say what the contract promises."""


class FieldMissing(Malformed, KeyError):
    """An answer lacks a field."""

    def __str__(self) -> str:
        return f"an answer has no '{self.args[0]}'"


class Body(dict[str, Any]):
    """A JSON object from the server. Raise FieldMissing for a key that it lacks."""

    def __missing__(self, key: str) -> Any:
        raise FieldMissing(key)


@dataclass(frozen=True)
class Answer:
    """The answer to one request; `status` is None if none came, and `error` says why."""

    status: int | None
    body: JSON
    error: str | None
    start_ns: int
    end_ns: int
    text: str = field(default="", repr=False)
    """The body as it came; one that is not a JSON object is only here."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in any case."""

    @property
    def seconds(self) -> float:
        """The time from the request's start to its answer's last byte."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True)
class Said:
    """What an answer said; `answer` is the raw one, of an adapter that speaks HTTP."""

    answer: Answer | None = field(default=None, kw_only=True, repr=False)


@dataclass(frozen=True)
class Session(Said):
    """A user is signed in; `token` is what later requests show, where there is one."""

    token: str | None = None


@dataclass(frozen=True)
class Ack(Said):
    """A message was accepted. What the server does not say is None."""

    id: str | None = None
    seq: int | None = None
    timestamp: str | None = None
    """ISO 8601."""
    queued: bool | None = None
    replayed: bool | None = None
    """An earlier attempt with this client_message_id had stored it."""
    stated_outcome: str | None = None
    """Of a send that was not accepted: `not_stored` or `unknown`."""


@dataclass(frozen=True)
class Message:
    """One message as a poll returned it."""

    id: str
    sender: str
    """Empty where the server does not say it."""
    recipient: str
    content: str
    timestamp: str | None = None
    """ISO 8601."""
    seq: int | None = None
    client_message_id: str | int | None = None


@dataclass(frozen=True)
class Page(Said):
    """The messages of one poll, the oldest first, and the cursor of the next poll."""

    messages: Sequence[Message] = ()
    next_since: str | None = None
    has_more: bool | None = None
    gap: bool | None = None
    """Older messages are no longer there."""
    source: str | None = None
    degraded: bool | None = None
    now: str | None = None
    """The server's time, ISO 8601."""

    @property
    def may_have_more(self) -> bool:
        """Whether to poll again at once: if the server does not say it, when a page brought something."""
        return bool(self.messages) if self.has_more is None else self.has_more


S = TypeVar("S", bound=Said, covariant=True)


@dataclass(frozen=True)
class Result(Answer, Generic[S]):
    """An answer, what it proves, and what was read out of it: nothing, unless the outcome is ok."""

    outcome: Outcome = field(kw_only=True)
    said: S = field(kw_only=True)
    detail: str | None = field(default=None, kw_only=True)
    """The server's own sentence about what was wrong."""
    unreadable: Unreadable | None = field(default=None, kw_only=True)
    """What kept the answer from being read, though its status means success."""

    @property
    def why(self) -> str | None:
        """What was wrong, where something was."""
        return self.error or self.detail


class Failed(Exception):
    """A request had no success; an adapter raises this or one of the subclasses.

    `outcome` is what that proves: a time-out is never 'not sent'. `unreadable` is set where the status means
    success, and the answer does not say what the profile describes.
    """

    unreadable: Unreadable | None = None

    def __init__(
        self,
        why: str | None = None,
        *,
        outcome: Outcome = Outcome.UNKNOWN,
        status: int | None = None,
        answer: Answer | None = None,
        error: str | None = None,
        stated_outcome: str | None = None,
    ) -> None:
        super().__init__(why)
        self.why, self.outcome, self.status = why, outcome, status
        self.answer, self.error, self.stated_outcome = answer, error, stated_outcome


class Refused(Failed):
    """The server refused the request, which must never take effect."""

    def __init__(self, why: str, *, status: int = 400) -> None:
        super().__init__(why, outcome=Outcome.REFUSED, status=status)


class NotStored(Failed):
    """The server could not carry the request out now, and says that it took no effect."""

    def __init__(self, why: str) -> None:
        super().__init__(why, outcome=Outcome.REFUSED, status=503, stated_outcome="not_stored")


class Unavailable(Failed):
    """The server could not carry the request out now; whether it took effect is unknown."""

    def __init__(self, why: str) -> None:
        super().__init__(why, status=503, stated_outcome="unknown")
