"""Memoize functions of a history that several checkers need."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from harness.history.history import History

T = TypeVar("T")


def memoize(work_out: Callable[[History], T]) -> Callable[[History], T]:
    """Make a pure function of a history remember its result for as long as the history lives."""

    @wraps(work_out)
    def remembered(history: History) -> T:
        if work_out not in history.memo:
            history.memo[work_out] = work_out(history)
        found: T = history.memo[work_out]
        return found

    return remembered
