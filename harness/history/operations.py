"""Sends and polls as read from a history's lines, directly, as there can be a million of them.

Each frequent kind of line has a class; its fields have the names of the file, with suffixes for units. A line
is decoded into its class directly; one that does not fit (for example because a server numbers its messages
with text) is read as JSON first, and its values are taken as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from sys import intern

from msgspec import MsgspecError, Struct, to_builtins
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from harness.history.formats import FORMAT, Event, format_of, upgraded


class Outcome(StrEnum):
    """What a client can conclude from an operation's answer (contract: Guarantees)."""

    OK = "ok"
    REFUSED = "refused"
    """Answered 4xx, or 503 with `outcome: not_stored`: it must never take effect."""
    UNKNOWN = "unknown"
    """Timed out, cut off, or 503 with `outcome: unknown`: it may have taken effect once, or never."""


OK, REFUSED, UNKNOWN = Outcome
"""For loops over all operations: taking a member from its class costs more than comparing with it."""


class Unreadable(StrEnum):
    """What kept an answer from being read, though its status means success."""

    FIELDS = "fields"
    """It is JSON, and lacks a field that the profile names, or has another type there."""
    CONTRACT = "contract"
    """The same of a server that speaks the contract, so that no profile can be wrong."""
    BODY = "body"
    """It is not JSON."""


# None of these can be part of a reference cycle, so the garbage collector does not track them (gc=False).
class Received(Struct, frozen=True, gc=False):
    """One message as a poll returned it."""

    id: str
    seq: int | None
    sender: str
    recipient: str
    content: str
    timestamp: str | None
    client_message_id: str | None


class Call(
    Struct,
    frozen=True,
    gc=False,
    tag_field="kind",
    tag="send",
    rename={"start_ns": "t", "intended_ns": "intended"},
):
    """A send, before it leaves."""

    row: str
    start_ns: int
    op: int
    sender: str
    recipient: str
    content: str
    intended_ns: int
    client_message_id: str | None = None
    special: tuple[str, ...] = ()


class Reply(Struct, frozen=True, gc=False, tag_field="kind", tag="sent", rename={"end_ns": "t"}):
    """The answer to a send."""

    row: str
    end_ns: int
    op: int
    outcome: Outcome = Outcome.UNKNOWN
    status: int | None = None
    id: str | None = None
    seq: int | None = None
    timestamp: str | None = None
    queued: bool | None = None
    replayed: bool | None = None
    error: str | None = None
    stated_outcome: str | None = None
    unreadable: Unreadable | None = None


_NOTHING = Reply(row="", end_ns=0, op=0)


class Send(Struct, frozen=True, gc=False):
    """One attempt to send; `end_ns` is None when no answer was ever recorded."""

    row: str
    op: int
    sender: str
    recipient: str
    content: str
    client_message_id: str | None
    intended_ns: int
    start_ns: int
    end_ns: int | None
    outcome: Outcome
    status: int | None
    id: str | None
    seq: int | None
    timestamp: str | None
    queued: bool | None
    replayed: bool
    error: str | None
    stated_outcome: str | None
    special: tuple[str, ...] = ()
    """What is unusual about what was sent, or how: a few words each, such as `to oneself`."""
    unreadable: Unreadable | None = None

    @classmethod
    def of(cls, call: Call, reply: Reply | None) -> Send:
        """Return the attempt that these two lines record."""
        answer = _NOTHING if reply is None else reply
        return cls(  # by position: by name takes three times as long
            intern(call.row),
            call.op,
            intern(call.sender),
            intern(call.recipient),
            call.content,
            call.client_message_id,
            call.intended_ns,
            call.start_ns,
            None if reply is None else reply.end_ns,
            answer.outcome,
            answer.status,
            answer.id,
            answer.seq,
            answer.timestamp,
            answer.queued,
            bool(answer.replayed),
            answer.error,
            answer.stated_outcome,
            call.special,
            answer.unreadable,
        )

    @property
    def events(self) -> tuple[Event, ...]:
        """Its lines in the history."""
        asked = (self.sender, self.recipient, self.content, self.intended_ns, self.client_message_id)
        call = _as_event(Call(self.row, self.start_ns, self.op, *asked, self.special))
        if self.end_ns is None:
            return (call,)
        stored = (self.id, self.seq, self.timestamp, self.queued, self.replayed)
        answer = (self.outcome, self.status, *stored, self.error, self.stated_outcome)
        return call, _as_event(Reply(self.row, self.end_ns, self.op, *answer, self.unreadable))


class Poll(
    Struct,
    frozen=True,
    gc=False,
    tag_field="kind",
    tag="poll",
    rename={"end_ns": "t", "start_ns": "start", "intended_ns": "intended", "wait_s": "wait"},
):
    """One poll of one consumer: a reader that passes each `next_since` on to its next poll."""

    row: str
    end_ns: int
    op: int
    consumer: str
    reader: str
    intended_ns: int
    start_ns: int
    outcome: Outcome
    since: str | None = None
    wait_s: float = 0.0
    status: int | None = None
    messages: tuple[Received, ...] = ()
    next_since: str | None = None
    has_more: bool = False
    gap: bool = False
    source: str | None = None
    degraded: bool | None = None
    error: str | None = None
    special: tuple[str, ...] = ()
    """What is unusual about how it was asked: a few words each, such as `cursor with an offset`."""
    unreadable: Unreadable | None = None

    @property
    def event(self) -> Event:
        """Its line in the history."""
        return _as_event(self)


def _as_event(operation: Call | Reply | Poll) -> Event:
    """Return the line of an operation, without `special` and `unreadable` if there was nothing."""
    line: Event = to_builtins(operation)
    for name in ("special", "unreadable"):
        if not line.get(name, True):
            del line[name]
    return line


Line = Call | Reply | Poll | Event
"""One line of a history: an object of its class if its kind is frequent, else the JSON object."""


class LineReader:
    """Reads lines one by one; equal values share one object, as a long history repeats most of them."""

    def __init__(self) -> None:
        self._decoder = Decoder(Call | Reply | Poll)
        self._received: dict[str, Received] = {}
        """The first message with each id; looked up by the id alone, which takes half as long."""
        self._format = FORMAT

    def read(self, text: bytes) -> Line:
        """Read one line. Raise json.JSONDecodeError where it is not JSON, ValueError for a later format."""
        if self._format < FORMAT:
            return self._read_slowly(text)
        try:
            line: Call | Reply | Poll = self._decoder.decode(text)
        except (MsgspecError, UnicodeDecodeError):  # another kind, a lone surrogate, an id that is a number
            return self._read_slowly(text)
        if isinstance(line, Poll):
            self._share(line)
        return line

    def _read_slowly(self, text: bytes) -> Line:
        event: Event = json.loads(text)
        if event["kind"] == "begin":
            self._format = format_of(event)
        return line_of(event if self._format == FORMAT else upgraded(event))

    def _share(self, poll: Poll) -> None:
        force_setattr(poll, "row", intern(poll.row))
        force_setattr(poll, "consumer", intern(poll.consumer))
        force_setattr(poll, "reader", intern(poll.reader))
        if poll.source:
            force_setattr(poll, "source", intern(poll.source))
        if poll.messages:
            force_setattr(poll, "messages", tuple(map(self._known, poll.messages)))

    def _known(self, message: Received) -> Received:
        known = self._received.setdefault(message.id, message)
        return known if known == message else message


def line_of(event: Event) -> Line:
    """Return the line for this JSON object; its values are taken as they are."""
    read = _READERS.get(event["kind"])
    return read(event) if read else event


def kind_of(line: Line) -> str:
    """Return the line's `kind`."""
    return _KINDS.get(type(line)) or str(line["kind"])  # type: ignore[index] # only events are in no class


def row_of(line: Line) -> str:
    """Return the plan row that the line belongs to."""
    return str(line["row"]) if isinstance(line, dict) else line.row


def written_ns(line: Line) -> int:
    """Return the line's `t`."""
    if isinstance(line, dict):
        return int(line["t"])
    return line.start_ns if isinstance(line, Call) else line.end_ns


def _call(event: Event) -> Call:
    asked = (event["sender"], event["recipient"], event["content"], event["intended"])
    own = (event.get("client_message_id"), tuple(event.get("special", ())))
    return Call(event["row"], event["t"], event["op"], *asked, *own)


def _reply(event: Event) -> Reply:
    fields = {key: event.get(key) for key in Reply.__struct_fields__[4:]}
    outcome = Outcome(event.get("outcome", Outcome.UNKNOWN))
    return Reply(event["row"], event["t"], event["op"], outcome, **fields)


def _poll(event: Event) -> Poll:
    fields = {key: event[key] for key in _POLL_FIELDS if key in event}
    return Poll(
        row=event["row"],
        end_ns=event["t"],
        intended_ns=event["intended"],
        start_ns=event["start"],
        outcome=Outcome(event["outcome"]),
        wait_s=float(event.get("wait") or 0),
        messages=tuple(Received(**message) for message in event.get("messages", ())),
        has_more=bool(event.get("has_more")),
        gap=bool(event.get("gap")),
        special=tuple(event.get("special", ())),
        **fields,
    )


_POLL_FIELDS = (
    "unreadable",
    "op",
    "consumer",
    "reader",
    "since",
    "status",
    "next_since",
    "source",
    "degraded",
    "error",
)
_KINDS: Mapping[type, str] = {Call: "send", Reply: "sent", Poll: "poll"}
_READERS: Mapping[str, Callable[[Event], Call | Reply | Poll]] = {
    "send": _call,
    "sent": _reply,
    "poll": _poll,
}
