"""The reference server's paths."""

from __future__ import annotations

from urllib.parse import quote

API = "/api/users"
LOGIN, REGISTER, MESSAGES = f"{API}/login", f"{API}/register", f"{API}/messages"


def mailbox(username: str) -> str:
    """The path of a poll."""
    return f"{MESSAGES}/poll/{quote(username, safe='')}"


def conversation(other: str) -> str:
    """The path of a conversation."""
    return f"{MESSAGES}/conversation/{quote(other, safe='')}"
