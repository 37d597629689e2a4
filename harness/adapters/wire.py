"""How a server speaks HTTP: the `[wire]` tables of a profile, in which every default is the reference's.

`harness/targets/reference.toml` documents every key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from string import Formatter
from typing import Any, ClassVar, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from msgspec import Struct

from harness.adapters.results import Answer
from harness.adapters.spellings import SPELLINGS
from harness.typed import Record

HEADER = "header:"
EXPECTED = 'Expected a JMESPath such as "data.id", or "header:NAME"'
_PLAIN = re.compile(r"[A-Za-z_]\w*")


class Where(str):
    """Where a value is in an answer: a JMESPath, `header:NAME`, or an empty text where it has none."""

    @classmethod
    def read(cls, value: Any) -> Where:
        """Return it as a profile says it. Raise ValueError."""
        if not isinstance(value, str):
            raise TypeError(EXPECTED)
        where = cls(value)
        if not value.startswith(HEADER):
            try:
                where.compiled  # noqa: B018  raises where it is not one
            except JMESPathError as error:
                raise ValueError(f"{EXPECTED}: {str(error).splitlines()[0]}") from None
        return where

    @cached_property
    def compiled(self) -> ParsedResult | None:
        """The parsed expression; None where it needs none."""
        return None if not self or _PLAIN.fullmatch(self) else jmespath.compile(self)

    def of(self, value: Any, answer: Answer | None = None) -> Any:
        """Return what is there in a JSON value, or in the answer's headers; None if nothing is."""
        if not self:
            return None
        if self.startswith(HEADER):
            return answer.headers.get(self[len(HEADER) :]) if answer else None
        if self.compiled is None:
            return value.get(str(self)) if isinstance(value, Mapping) else None
        return self.compiled.search(value)


class Success(frozenset[int]):
    """Statuses, each of which means the same."""

    @classmethod
    def read(cls, value: Any) -> Success:
        """Return the statuses in a profile: one, or a list of them. Raise ValueError."""
        codes = value if isinstance(value, list) else [value]
        if not all(type(code) is int and 200 <= code < 600 for code in codes):
            raise ValueError("Expected a status from 200 to 599, or a list of them")
        return cls(codes)


class Path(str):
    """A path with placeholders in braces, which are percent-encoded."""

    @classmethod
    def read(cls, value: Any) -> Path:
        """Return it as a profile says it. Raise ValueError."""
        try:
            names = [name for _, name, _, _ in Formatter().parse(value) if name is not None]
        except (TypeError, ValueError):
            names = [""]
        if not all(_PLAIN.fullmatch(name) for name in names) or (value and not value.startswith("/")):
            raise ValueError('Expected a path such as "/messages/{username}"')
        return cls(value)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self) if name is not None)


BodyKind = Literal["json", "form", "query"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Operation(Record, frozen=True):
    """What all operations have. `fields` are sent with it as they are, beside the operation's own."""

    REQUEST: ClassVar[tuple[str, ...]] = ()
    """The keys that name fields of the request."""
    method: Method = "POST"
    path: Path = Path()
    body: BodyKind = "json"
    fields: Mapping[str, Any] = {}


class _OfAUser(Operation, frozen=True):
    REQUEST = ("username", "password")
    username: str = "username"
    password: str = "password"


class Register(_OfAUser, frozen=True):
    """How a user is created."""

    path: Path = Path("/api/users/register")
    ok: Success = Success({201})


class SignIn(_OfAUser, frozen=True):
    """How a user signs in."""

    path: Path = Path("/api/users/login")
    ok: Success = Success({200})
    token: Where = Where("token")
    expires_at: Where = Where("expires_at")


class Send(Operation, frozen=True):
    """How a message is sent, and what its answer says."""

    REQUEST = ("recipient", "content", "client_message_id", "sender")
    path: Path = Path("/api/users/messages")
    recipient: str = "to_username"
    content: str = "content"
    client_message_id: str = "client_message_id"
    sender: str = "from_username"
    ok: Success = Success({200})
    id: Where = Where("id")
    seq: Where = Where("seq")
    timestamp: Where = Where("timestamp")
    queued: Where = Where("queued")
    replayed: Where = Where("replayed")
    outcome: Where = Where("outcome")


class Poll(Operation, frozen=True):
    """How a mailbox is polled, and what the answer says."""

    REQUEST = ("since", "limit", "wait")
    method: Method = "GET"
    path: Path = Path("/api/users/messages/poll/{username}")
    body: BodyKind = "query"
    since: str = "since"
    limit: str = "limit"
    wait: str = "wait"
    ok: Success = Success({200})
    none: Success = Success({204, 304})
    messages: Where = Where("messages")
    next_since: Where = Where("next_since")
    has_more: Where = Where("has_more")
    gap: Where = Where("gap")
    source: Where = Where("source")
    degraded: Where = Where("degraded")
    now: Where = Where("timestamp")


class History(Operation, frozen=True):
    """How a conversation is read; its messages are described as a poll's."""

    REQUEST = ("limit", "before")
    method: Method = "GET"
    path: Path = Path("/api/users/messages/conversation/{other}")
    body: BodyKind = "query"
    limit: str = "limit"
    before: str = "before"
    ok: Success = Success({200})
    none: Success = Success({204})
    messages: Where = Where("messages")


class MessageFields(Record, frozen=True):
    """Where each value is in one message."""

    id: Where = Where("id")
    sender: Where = Where("from")
    recipient: Where = Where("to")
    content: Where = Where("message")
    timestamp: Where = Where("timestamp")
    seq: Where = Where("seq")
    client_message_id: Where = Where("client_message_id")


class Credentials(Record, frozen=True):
    """A user who exists already."""

    username: str
    password: str = ""


class Wire(Record, frozen=True):
    """How a server speaks HTTP."""

    prefix: Path = Path()
    headers: Mapping[str, str] = {}
    auth: Literal["bearer", "basic", "cookie", "header", "none"] = "bearer"
    auth_header: str = "X-Auth-Token"
    """For `auth = "header"`: the header that carries the token."""
    users: Literal["endpoint", "command", "list"] = "endpoint"
    user_command: tuple[str, ...] = ()
    user_list: tuple[Credentials, ...] = ()
    timestamps: Literal["text", "epoch_s", "epoch_ms", "epoch_us"] = "text"
    detail: Where = Where("detail")
    """The server's sentence about what was wrong."""
    register: Register = Register()
    sign_in: SignIn = SignIn()
    send: Send = Send()
    poll: Poll = Poll()
    history: History = History()
    message: MessageFields = MessageFields()

    def __post_init__(self) -> None:
        """Raise ValueError where two keys do not fit each other."""
        for name, legal in PLACEHOLDERS.items():
            unknown = getattr(self, name).path.names - legal
            if unknown:
                raise ValueError(
                    f"`wire.{name}.path` has the unknown placeholder {{{min(unknown)}}};"
                    f" legal are {', '.join(f'{{{each}}}' for each in sorted(legal))}"
                )
        if self.users == "command" and not self.user_command:
            raise ValueError('`wire.users = "command"` needs `user_command`, a list of words')
        if self.users == "list" and not self.user_list:
            raise ValueError('`wire.users = "list"` needs `user_list`, a list of usernames and passwords')


PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "register": frozenset({"username", "password"}),
    "sign_in": frozenset({"username", "password"}),
    "send": frozenset({"sender", "recipient", "client_message_id", "content"}),
    "poll": frozenset({"username", "since", "limit", "wait"}),
    "history": frozenset({"username", "other", "limit", "before"}),
}


class Abilities(Struct, frozen=True):
    """What of a request can vary, where the server has it: more than that is never asked for."""

    spellings: tuple[str, ...] = tuple(SPELLINGS)
    client_message_ids: bool = True
    names_sender: bool = True
    limits: bool = True
    waits: bool = True
    cursor_spellings: bool = True


ALL_ABILITIES = Abilities()


def abilities_of(wire: Wire, *, cursor_spellings: bool) -> Abilities:
    """Return what can vary in requests to a server that speaks so."""
    send, poll = wire.send, wire.poll
    return Abilities(
        spellings=spellings_of(wire),
        client_message_ids=bool(send.client_message_id) or "client_message_id" in send.path.names,
        names_sender=bool(send.sender),
        limits=bool(poll.limit) or "limit" in poll.path.names,
        waits=bool(poll.wait) or "wait" in poll.path.names,
        cursor_spellings=cursor_spellings,
    )


FORMS = ("a form", "a form with %20", "a multipart form")


def spellings_of(wire: Wire) -> tuple[str, ...]:
    """Return the ways in which a send's body can be written; all but the usual one need flat fields."""
    names = [getattr(wire.send, key) for key in wire.send.REQUEST]
    if wire.send.body == "query" or wire.send.fields or any(name[:1] == "/" for name in names):
        return ()
    return tuple(SPELLINGS) if wire.send.body == "json" else FORMS
