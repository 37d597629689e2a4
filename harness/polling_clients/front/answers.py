"""Answers to polls: what the server said, what a valid answer is, and what the client is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Reply:
    """What the client is sent. `cut_after`: the connection ends after so many bytes of the body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON_TYPE})
    cut_after: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Page:
    """A poll's answer as the contract has it."""

    fields: Mapping[str, Any]

    @classmethod
    def of(cls, reply: Reply) -> Page | None:
        """Return the page that a reply holds; None if it is not a valid answer."""
        if reply.status != 200:
            return None
        try:
            fields = json.loads(reply.body)
        except ValueError:
            return None
        return cls(fields) if isinstance(fields, dict) and _is_sound(fields) else None

    @property
    def ids(self) -> list[str]:
        """The ids of its messages, in order."""
        return [message["id"] for message in self.fields["messages"]]

    def reply(self, **changes: Any) -> Reply:
        """Return it as a reply, with some fields changed."""
        return Reply(200, json.dumps({**self.fields, **changes}).encode())


def _is_sound(fields: Mapping[str, Any]) -> bool:
    messages, cursor = fields.get("messages"), fields.get("next_since")
    return (
        isinstance(messages, list)
        and all(map(is_sound_message, messages))
        and isinstance(fields.get("has_more"), bool)
        and (cursor is None or isinstance(cursor, str))
    )


def is_sound_message(message: Any) -> bool:
    """Return whether this is a message of the contract."""
    return isinstance(message, dict) and all(
        isinstance(message.get(key), str) for key in ("id", "from", "to", "message", "timestamp")
    )


def sound_ids(reply: Reply) -> list[str]:
    """Return the ids of the sound messages in a reply, in order; none if it is not such an answer."""
    try:
        messages = json.loads(reply.body)["messages"]
    except (ValueError, KeyError, TypeError):
        return []
    return [it["id"] for it in messages if is_sound_message(it)] if isinstance(messages, list) else []


def problem(status: int, title: str, detail: str) -> bytes:
    """Return the body of an error (RFC 9457)."""
    return json.dumps({"status": status, "title": title, "detail": detail, "code": "scripted"}).encode()
