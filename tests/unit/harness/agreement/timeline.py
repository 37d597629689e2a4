"""The events of a simulated history: their times are given in milliseconds since its begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

NS_PER_MS = 1_000_000
BEGIN_NS = 7_000_000_000_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Event = dict[str, Any]


def event(kind: str, at_ms: int, **fields: Any) -> Event:
    """One event of the history."""
    return {"row": "SIM-01", "kind": kind, "t": ns(at_ms), **fields}


def ns(at_ms: int) -> int:
    """This moment by the harness's clock."""
    return BEGIN_NS + at_ms * NS_PER_MS


def stamp(ms: float) -> str:
    """The server's timestamp for this moment."""
    text = (NOON + timedelta(milliseconds=ms)).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def last_ms(events: Sequence[Event], default: int) -> int:
    """When the last of these happened."""
    return max((one["t"] - BEGIN_NS for one in events), default=default * NS_PER_MS) // NS_PER_MS
