"""The search for the largest size that is carried: doubling until one is not, then bisecting. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

TRIES = 2
"""How often a size is tried that a promise broke at: one of these may be noise."""
SMALLEST = 4
"""Fewer pollers prove nothing."""


class Answer(StrEnum):
    """What a step at one size showed."""

    CARRIED = "carried"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """It proves nothing of the server: the load generator gave out, say."""


@dataclass(frozen=True)
class Found:
    """The largest size that was carried, 0 if none; and the smallest above it that was not, None if none."""

    carried: int
    not_carried: int | None
    why: Answer
    """Of `not_carried`; CARRIED if there is none."""


def search(
    carries: Callable[[int], Answer],
    *,
    first: int,
    ceiling: int,
    precision: float,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Found:
    """Try sizes from `first` on, at most `ceiling`, until the limit is known to a share of `precision`.

    A size that is not carried is tried once more. Nothing above a size that was not carried in both tries is
    tried, so the answer is right where more load is never easier. `may_go_on` is asked before each try.
    """
    found, size = Found(0, None, Answer.CARRIED), min(first, ceiling)
    while size and may_go_on():
        found = _after(found, size, _tried(carries, size, may_go_on))
        size = _next(found, ceiling, precision)
    return found


def _tried(carries: Callable[[int], Answer], size: int, may_go_on: Callable[[], bool]) -> Answer:
    answer = carries(size)
    for _ in range(TRIES - 1):
        if answer is not Answer.CARRIED and may_go_on():
            answer = carries(size)
    return answer


def _after(found: Found, size: int, answer: Answer) -> Found:
    if answer is Answer.CARRIED:
        return Found(size, found.not_carried, found.why)
    return Found(found.carried, size, answer)


def _next(found: Found, ceiling: int, precision: float) -> int:
    """Return the next size to try; 0 if the limit is known."""
    low, high = found.carried, found.not_carried
    if high is None:
        return 0 if low >= ceiling else min(2 * low, ceiling)
    if low == 0:
        return high // 2 if high // 2 >= SMALLEST else 0
    return 0 if high - low <= max(1, precision * low) else (low + high) // 2
