"""Histories written in an older format, read as if they had been written in this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Event = dict[str, Any]

FORMAT = 2
"""The format of a history; a `begin` event that names none is of format 1, with other names for some keys."""
_KINDS: Mapping[str, str] = {
    "canary": "probe",
    "in_vain": "gave_up",
    "needed": "required",
    "strain": "pressure",
}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "attempt": {"may": "expected", "told": "leaked"},
    "required": {"may": "expected", "unsuited": "tolerated"},
    "fault": {"canary": "probe"},
    "keys": {"eternal": "without_ttl"},
    "poll": {"chain": "consumer"},
    "sent": {"said": "stated_outcome"},
}
_PROMISES: Mapping[str, str] = {"flat": "no-leak"}


def format_of(begin: Event) -> int:
    """Return the format that a `begin` event names. Raise ValueError for one from a later version."""
    found = int(begin.get("format", 1))
    if found > FORMAT:
        raise ValueError(f"it was written in format {found}, and this version reads up to format {FORMAT}")
    return found


def upgraded(event: Event) -> Event:
    """Return an event of format 1 as an event of format 2."""
    kind = _KINDS.get(event["kind"], event["kind"])
    keys = _KEYS.get(kind, {})
    new = {keys.get(key, key): value for key, value in event.items()} | {"kind": kind}
    if kind == "fault" and new["phase"] == "bites":
        new["phase"] = "active"
    if kind == "judging":
        new["promises"] = [_PROMISES.get(promise, promise) for promise in new["promises"]]
    return new
