"""A message, its place in a mailbox, and its two JSON formats. Pure: no clock, no store."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec

from reference_server.timestamps import format_timestamp


@dataclass(frozen=True, slots=True)
class Draft:
    """A message without a place in a mailbox."""

    id: str
    sender: str
    recipient: str
    content: str
    client_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The place of the newest message of a mailbox."""

    seq: int
    timestamp_us: int


EMPTY = Head(seq=0, timestamp_us=0)


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """One message. `seq` counts from 1 without holes in its mailbox; `timestamp_us` grows with it.

    The fields are in the order of an entry: see to_entry. An entry of a later version with more fields is
    refused: what they mean for the others is not known.
    """

    seq: int
    timestamp_us: int
    id: str
    sender: str
    recipient: str
    content: str
    client_message_id: str | None = None

    @property
    def timestamp(self) -> str:
        """The timestamp as clients see it; also their cursor."""
        return format_timestamp(self.timestamp_us)


def new_id(now_us: int) -> str:
    """Return a new random id that sorts by time: a UUID of version 7 (RFC 9562) in 32 hexadecimal digits.

    So the newest messages can be found by id, and MongoDB's index on it grows at one end only.
    """
    random = secrets.randbits(74)
    version_and_random = 0x7 << 12 | random >> 62
    variant_and_random = 0b10 << 62 | random & (1 << 62) - 1
    return f"{now_us // 1000:012x}{version_and_random:04x}{variant_and_random:016x}"


def place_after(head: Head, draft: Draft, now_us: int) -> Message:
    """Return the draft as the message after `head`.

    The timestamp is always later than the head's. If it followed the clock alone, a clock that steps back
    or another instance's clock that is ahead could put a message before a cursor that has passed its time.
    """
    return Message(
        id=draft.id,
        seq=head.seq + 1,
        sender=draft.sender,
        recipient=draft.recipient,
        content=draft.content,
        timestamp_us=max(now_us, head.timestamp_us + 1),
        client_message_id=draft.client_message_id,
    )


class Wire(msgspec.Struct, gc=False):
    """A message as the API shows it."""

    id: str
    seq: int
    sender: str = msgspec.field(name="from")
    to: str
    message: str
    timestamp: str
    client_message_id: str | None


def to_wire(message: Message) -> Wire:
    """Return a message as the API shows it."""
    return Wire(
        message.id,
        message.seq,
        message.sender,
        message.recipient,
        message.content,
        format_timestamp(message.timestamp_us),
        message.client_message_id,
    )


def to_entry(message: Message) -> str:
    """Return a message as an entry of the Redis list: a JSON array that starts with seq and timestamp_us.

    The order matters: the Lua scripts read these two values without decoding the rest.
    """
    return _encode(message).decode()


def from_entry(entry: bytes) -> Message:
    """Return the message of an entry of the Redis list. Raise ValueError for anything else."""
    [message] = from_entries(b"[" + entry + b"]")
    return message


def from_entries(entries: bytes) -> list[Message]:
    """Return the messages of a JSON array of entries. Raise ValueError if one is not an entry."""
    try:
        try:
            return _decode(entries)
        except msgspec.ValidationError:
            return [_of_any_version(entry) for entry in _split(entries)]
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class _EarlierEntry(msgspec.Struct):
    """An entry of version 0.1, which was an object."""

    seq: int
    timestamp_us: int
    id: str
    sender: str = msgspec.field(name="from")
    recipient: str = msgspec.field(name="to")
    content: str = msgspec.field(name="message")
    client_message_id: str | None = None


def _of_any_version(entry: msgspec.Raw) -> Message:
    if bytes(entry).startswith(b"{"):
        return Message(*msgspec.structs.astuple(msgspec.json.decode(entry, type=_EarlierEntry)))
    return msgspec.json.decode(entry, type=Message)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Message]).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
