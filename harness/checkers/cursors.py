"""Cursors are points in time: they are compared as such, never as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d+))?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?"
)

_USUAL_LENGTH = len("2026-01-01T12:00:00.000000Z")


def instant(text: str | None) -> tuple[int, str] | None:
    """A comparable reading of an ISO 8601 timestamp, exact to every digit it has; None if it is not one.

    `Z`, `+00:00` and no zone at all name the same instant, and so do `12:00:00` and `12:00:00.000`.
    """
    if not isinstance(text, str):
        return None
    if len(text) == _USUAL_LENGTH and (text[7], text[19], text[26]) == ("-", ".", "Z"):
        try:  # a fifth of the time: there are more timestamps than anything else in a history
            return int(datetime.fromisoformat(text).timestamp()), text[20:26].rstrip("0")
        except ValueError:
            return None
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    zone = found["zone"]
    try:
        moment = datetime.fromisoformat(found["second"] + ("" if zone in (None, "Z", "z") else zone))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()), (found["fraction"] or "").rstrip("0")
