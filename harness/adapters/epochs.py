"""Timestamps that are numbers, as the ISO 8601 text of the history, and back, without losing a digit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from harness.history.instants import instant

_SECOND = 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND = {"epoch_s": 1, "epoch_ms": 1000, "epoch_us": 1_000_000}


def as_text(value: Any, unit: str) -> str:
    """Return a number of these units since 1970 as a timestamp. Raise TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"timestamp is of the type {type(value).__name__}")
    try:
        seconds = Decimal(str(value)) / PER_SECOND[unit]
        whole = int(seconds.to_integral_value(ROUND_FLOOR))
        moment = _EPOCH + timedelta(seconds=whole)
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"timestamp is {str(value)[:40]!r}, not a number of seconds since 1970") from error
    digits = f"{seconds - whole:f}".partition(".")[2].rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits.ljust(6, '0')}Z"


def as_number(text: str, unit: str) -> str:
    """Return a timestamp as a number of units since 1970; a part of a unit is cut off, but of seconds.

    A text that is not a timestamp is returned as it is.
    """
    moment = instant(text)
    if moment is None:
        return text
    second = datetime.fromisoformat(moment[:_SECOND]).replace(tzinfo=UTC)
    whole = (second - _EPOCH) // timedelta(seconds=1)
    value = (whole + Decimal(f"0.{moment[_SECOND:] or '0'}")) * PER_SECOND[unit]
    if unit == "epoch_s":
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return str(value.to_integral_value(ROUND_FLOOR))
