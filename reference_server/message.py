"""A message, its place in a mailbox, and its two JSON formats. Pure: no clock, no store."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `seq` counts from 1 without holes in its mailbox; `timestamp_us` grows with it."""

    id: str
    seq: int
    sender: str
    recipient: str
    content: str
    timestamp_us: int
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


def to_wire(message: Message) -> dict[str, Any]:
    """Return a message as the API shows it."""
    return {
        "id": message.id,
        "seq": message.seq,
        "from": message.sender,
        "to": message.recipient,
        "message": message.content,
        "timestamp": message.timestamp,
        "client_message_id": message.client_message_id,
    }


def to_entry(message: Message) -> str:
    """Return a message as an entry of the Redis list: JSON that starts with seq and timestamp_us.

    The order matters: the Lua scripts read these two fields without decoding the rest.
    """
    entry = {
        "seq": message.seq,
        "timestamp_us": message.timestamp_us,
        "id": message.id,
        "from": message.sender,
        "to": message.recipient,
        "message": message.content,
        "client_message_id": message.client_message_id,
    }
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


_REQUIRED = {"seq": int, "timestamp_us": int, "id": str, "from": str, "to": str, "message": str}


def from_entry(entry: bytes) -> Message:
    """Return the message of an entry of the Redis list. Raise ValueError for anything else."""
    try:
        fields = json.loads(entry)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not _has_the_fields_of_a_message(fields):
        raise ValueError("not the fields of a message")
    return Message(
        id=fields["id"],
        seq=fields["seq"],
        sender=fields["from"],
        recipient=fields["to"],
        content=fields["message"],
        timestamp_us=fields["timestamp_us"],
        client_message_id=fields.get("client_message_id"),
    )


def _has_the_fields_of_a_message(fields: Any) -> bool:
    return (
        isinstance(fields, dict)
        and all(type(fields.get(name)) is kind for name, kind in _REQUIRED.items())
        and isinstance(fields.get("client_message_id"), str | None)
    )
