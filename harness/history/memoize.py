"""Working something out about a history once, though several ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from harness.history.history import History

T = TypeVar("T")


def memoize(work_out: Callable[[History], T]) -> Callable[[History], T]:
    """A pure function of a history that remembers, for as long as the history lives, what it found."""

    @wraps(work_out)
    def remembered(history: History) -> T:
        if work_out not in history.memo:
            history.memo[work_out] = work_out(history)
        found: T = history.memo[work_out]
        return found

    return remembered
