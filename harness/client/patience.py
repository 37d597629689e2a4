"""When a scenario that makes one request after the other stops: each unanswered one costs a time-out."""

from __future__ import annotations

from typing import TypeVar

from harness.client import Answer
from harness.errors import NotServed

A = TypeVar("A", bound=Answer)
LASTS_S = 15.0
QUICK_S = 1.0
"""An answer within this time is quick."""


class Patience:
    """Adds up the time of requests that are answered slowly or not at all, until one is answered quickly."""

    def __init__(self) -> None:
        self._lost_s = 0.0

    def after(self, answer: A) -> A:
        """Return the answer. Raise NotServed after 15 s of waiting without a quick answer."""
        is_quick = answer.status is not None and answer.seconds <= QUICK_S
        self._lost_s = 0.0 if is_quick else self._lost_s + answer.seconds
        if self._lost_s >= LASTS_S:
            raise NotServed(
                f"no request was answered within {QUICK_S:g} s during {self._lost_s:.0f} s of waiting"
            )
        return answer
