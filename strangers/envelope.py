"""A message as JSON, for systems that carry a content and know nothing of who sent it to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.adapters import Message


def envelope(sender: str, recipient: str, content: str, client_message_id: str | None) -> dict[str, Any]:
    """Return what is sent."""
    return {"from": sender, "to": recipient, "content": content, "sender_id": client_message_id}


def opened(sent: Mapping[str, Any], *, id: str, seq: int | None = None) -> Message:
    """Return the message that an envelope holds, with the id and the number that the system gave it."""
    return Message(
        id=id,
        sender=sent["from"],
        recipient=sent["to"],
        content=sent["content"],
        seq=seq,
        client_message_id=sent["sender_id"],
    )
