"""When a scenario that asks one thing after the other stops: each unanswered request costs a time-out."""

from __future__ import annotations

from harness.client import Answer
from harness.errors import NotServed

LASTS_S = 15.0
QUICK_S = 1.0
"""What is answered within it takes no patience."""


class Patience:
    """Adds up what requests cost that are answered slowly or not at all, until one is answered quickly."""

    def __init__(self) -> None:
        self._lost_s = 0.0

    def after(self, answer: Answer) -> Answer:
        """Return the answer. Raises NotServed when there was no quick one for 15 s of waiting."""
        is_quick = answer.status is not None and answer.seconds <= QUICK_S
        self._lost_s = 0.0 if is_quick else self._lost_s + answer.seconds
        if self._lost_s >= LASTS_S:
            raise NotServed(
                f"no answer came within {QUICK_S:g} s in {self._lost_s:.0f} s of waiting for some"
            )
        return answer
