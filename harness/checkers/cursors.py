"""Cursors are points in time: they are compared as such, never as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d+))?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?"
)


def instant(text: str | None) -> tuple[int, str] | None:
    """A comparable reading of an ISO 8601 timestamp, exact to every digit it has; None if it is not one.

    `Z`, `+00:00` and no zone at all name the same instant, and so do `12:00:00` and `12:00:00.000`.
    """
    found = _ISO.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    zone = found["zone"]
    try:
        moment = datetime.fromisoformat(found["second"] + ("" if zone in (None, "Z", "z") else zone))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()), (found["fraction"] or "").rstrip("0")
