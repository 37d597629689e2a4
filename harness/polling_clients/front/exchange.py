"""One request of the client, from its first byte to the last byte of its answer."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from harness.polling_clients.front.answers import Page, Reply, sound_ids

_POLL = re.compile(r"/api/users/messages/poll/([^/]+)")


class Exchange:
    """One request, and what became of it. `forward` asks the server."""

    def __init__(
        self,
        *,
        client: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        forward: Callable[[], Awaitable[Reply | None]],
        last_page: Reply | None = None,
        released: Callable[[], Awaitable[Any]],
    ) -> None:
        self.start_ns = time.monotonic_ns()
        self.client = client
        self.method = method
        self.path = path
        self.forward = forward
        self.last_page = last_page
        """The last answer with messages that the client was sent for this mailbox."""
        self.released = released
        """Waits until the harness ends everything that is not answered."""
        self.is_held_back = False
        found = _POLL.fullmatch(path)
        self.is_poll = method == "GET" and found is not None
        self.user = unquote(found[1]) if self.is_poll and found else None
        self.since = query.get("since")
        self.limit = _number(query.get("limit"))
        self.wait_s = _number(query.get("wait")) or 0.0

    def event(self, reply: Reply | None, *, script: str, is_whole: bool, aborted: bool) -> dict[str, Any]:
        """Return the fields of its event; `is_whole`: the whole answer was sent."""
        page = Page.of(reply) if reply is not None else None
        fields: Mapping[str, Any] = page.fields if page else {}
        return {
            "client": self.client,
            "start": self.start_ns,
            "method": self.method,
            "path": self.path,
            "is_poll": self.is_poll,
            "user": self.user,
            "since": self.since,
            "limit": self.limit,
            "wait_s": self.wait_s,
            "status": reply.status if reply is not None else None,
            "script": script,
            "messages": sound_ids(reply) if reply is not None and self.is_poll else [],
            "next_since": fields.get("next_since"),
            "has_more": bool(fields.get("has_more")),
            "gap": bool(fields.get("gap")),
            "retry_after_s": reply.retry_after_s if reply is not None else None,
            "poll_after_ms": _ms(fields.get("poll_after_ms")),
            "is_good": page is not None and is_whole and self.is_poll,
            "aborted": aborted,
        }


def _number(text: str | None) -> float | None:
    """Return the number that a client sent; None if it is not one."""
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _ms(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
