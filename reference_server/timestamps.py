"""Timestamps: whole microseconds since 1970 inside the server, one fixed ISO 8601 format outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = datetime(1970, 1, 1)  # without its zone it is formatted in a third of the time
_MICROSECOND = timedelta(microseconds=1)
_SPELLING = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
LEGAL = "an ISO 8601 timestamp with Z or an offset and at most 6 fractional digits, like 2026-01-01T12:00:00Z"


def as_written(text: str) -> str:
    """Put back the `+` of an offset that was not escaped in a URL and arrived as a space."""
    return re.sub(r" (?=\d\d:\d\d\Z)", "+", text)


def parse_timestamp(text: str) -> int:
    """Return the microseconds of a timestamp in the contract's format. Raise ValueError for other text."""
    match = _SPELLING.fullmatch(text) or _SPELLING.fullmatch(as_written(text))
    if match is None:
        raise ValueError(f"not {LEGAL}")
    *date_and_time, fraction, sign, hours, minutes = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, date_and_time)
        microsecond = int((fraction or "").ljust(6, "0"))
        zone = _offset(sign, hours, minutes)
        moment = datetime(year, month, day, hour, minute, second, microsecond, zone)
        return (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a valid date and time: {error}") from error


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None or minutes is None:
        return UTC
    if int(minutes) > 59:
        raise ValueError("an offset has at most 59 minutes")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def format_timestamp(timestamp_us: int) -> str:
    """Return a timestamp as text: `2026-01-01T12:00:00.123456Z`, always 27 characters."""
    second = timestamp_us // 1_000_000
    return f"{_format_second(second)}.{timestamp_us - second * 1_000_000:06d}Z"


@lru_cache(maxsize=1024)
def _format_second(second: int) -> str:
    """Return a whole second since 1970 as text. The messages of a page often share theirs."""
    return (_EPOCH_IN_UTC + timedelta(seconds=second)).isoformat()
