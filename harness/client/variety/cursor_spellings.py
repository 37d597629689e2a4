"""The legal spellings of one instant: ISO 8601 with `Z` or an offset, at most six digits of a fraction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from harness.history.instants import instant

_SECOND = 19
_DIGITS = 6
_EAST = (60, 120, 330, 345, 765, 840)
_WEST = (-60, -210, -330, -720)
"""In minutes, as used in the world; some change the date, some are not whole hours."""

AS_GIVEN = "as it was given"
NOT_ESCAPED = "an offset whose + is not escaped"


def _in_zone(second: datetime, fraction: str, minutes: int) -> str:
    moment = second.astimezone(timezone(timedelta(minutes=minutes)))
    return moment.isoformat()[:_SECOND] + fraction + moment.isoformat()[-6:]


def _offset(minutes: tuple[int, ...]) -> Callable[[datetime, str, Random], str]:
    return lambda second, fraction, random: _in_zone(second, _all(fraction), random.choice(minutes))


def _fewer_digits(second: datetime, fraction: str, random: Random) -> str:
    return second.isoformat()[:_SECOND] + (f".{fraction}" if fraction else "") + "Z"


def _fewer_digits_in_a_zone(second: datetime, fraction: str, random: Random) -> str:
    return _in_zone(second, f".{fraction}" if fraction else "", random.choice(_EAST + _WEST))


def _all_digits(second: datetime, fraction: str, random: Random) -> str:
    return second.isoformat()[:_SECOND] + _all(fraction) + "Z"


def _all(fraction: str) -> str:
    return f".{fraction.ljust(_DIGITS, '0')}"


CURSORS: Mapping[str, Callable[[datetime, str, Random], str] | None] = {
    AS_GIVEN: None,
    "Z with six digits": _all_digits,
    "Z with no more digits than needed": _fewer_digits,
    "+00:00": _offset((0,)),
    "an offset to the east": _offset(_EAST),
    "an offset to the west": _offset(_WEST),
    NOT_ESCAPED: _offset(_EAST),
    "an offset and no more digits than needed": _fewer_digits_in_a_zone,
}
"""How each way spells a second of UTC and the necessary digits of its fraction."""


def spelled(cursor: str, way: str, random: Random) -> str:
    """Return the cursor in another spelling of the same instant, or unchanged if there is none."""
    spell, moment = CURSORS[way], instant(cursor)
    if spell is None or moment is None or len(moment) - _SECOND > _DIGITS:
        return cursor
    second = datetime.fromisoformat(moment[:_SECOND]).replace(tzinfo=UTC)
    try:
        return spell(second, moment[_SECOND:], random)
    except OverflowError:  # before the year 1 or after 9999 at that offset
        return cursor
