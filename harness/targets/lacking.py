"""What rows of the plan need that a server's wire, semantics or adapter may not have, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from harness.adapters.wire import Wire
from harness.semantics import Semantics

NOT_HTTP = "the target's adapter is a class, and the row needs requests of its own over HTTP"
"""Why rows about the wire itself are left out for a target that has none."""


def lacks_of(wire: Wire, semantics: Semantics, *, is_http: bool) -> Mapping[str, str]:
    """Return why a row is left out by the key that it needs; '' where the server has it."""
    about_http = {
        "http": "",
        "registration": _unless(wire.users == "endpoint", f'users = "{wire.users}" in the target\'s wire'),
        "passwords": _unless(wire.sign_in.path, "the target's wire has no sign-in"),
        "bearer_tokens": _unless(wire.auth == "bearer", f'auth = "{wire.auth}" in the target\'s wire'),
        "expiring_tokens": _unless(
            wire.auth in ("bearer", "header") and wire.sign_in.expires_at,
            "the target's wire does not say when a token ends",
        ),
        "json_sends": _unless(wire.send.body == "json", f'body = "{wire.send.body}" in the target\'s wire'),
        "mailbox_in_path": _unless(
            "username" in wire.poll.path.names, "a poll's path in the target's wire names no mailbox"
        ),
        "conversations": _unless(wire.history.path, "the target's wire reads no conversations"),
        "server_time": _unless(
            wire.poll.now, "a poll's answer in the target's wire has no time of the server"
        ),
        "page_limits": _unless(
            wire.poll.limit or "limit" in wire.poll.path.names, "the target's wire has no limit of a page"
        ),
    }
    if not is_http:
        about_http = dict.fromkeys(about_http, NOT_HTTP) | {"page_limits": ""}
    cursor = f'cursor = "{semantics.cursor}" in the target\'s semantics'
    return about_http | {
        "timestamp_cursor": _unless(semantics.cursor == "timestamp", cursor),
        "kept_messages": _unless(not semantics.is_destructive, f"{cursor}, and the row reads unseen"),
    }


def _unless(has: object, reason: str) -> str:
    return "" if has else reason
