"""What a promise is: its sentence, its checker, what that can find, and which rows demand it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from harness.history import History
from harness.verdict import Checker


class Demand(Enum):
    """Which rows demand a promise."""

    DELIVERY = "every row that runs a server"
    WHERE_RECORDED = "rows that can show it"
    BY_NAME = "rows that name it"


@dataclass(frozen=True)
class Promise:
    """One promise; `kinds` are the stable names of the findings that its checker can report."""

    name: str
    sentence: str
    checker: Checker
    kinds: tuple[str, ...]
    demand: Demand = Demand.BY_NAME
    can_be_judged: Callable[[History], bool] = lambda history: False
    """Whether it can judge a history for which no scenario has named its promises."""
