"""Working something out about a history once: the second opinions are slow enough without doing it again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from harness.history import History

T = TypeVar("T")


def once(work_out: Callable[[History], T]) -> Callable[[History], T]:
    """The same function of a history, which remembers its answer for as long as the history lives."""

    @wraps(work_out)
    def remembered(history: History) -> T:
        if work_out not in history.memo:
            history.memo[work_out] = work_out(history)
        found: T = history.memo[work_out]
        return found

    return remembered
