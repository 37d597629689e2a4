"""Times are judged where the machine had time: else nothing is known about the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.checkers.pressure import TOO_BUSY
from harness.run import Inconclusive
from harness.runner.machine import MachineWatch


@contextmanager
def judged_in_time(*, in_a_run: bool) -> Iterator[None]:
    """Let a failed assertion be no verdict where something had to wait for the machine meanwhile.

    A run of rows plays the row once more then, alone; other sessions skip the test.
    """
    pressure: list[Any] = []
    try:
        with MachineWatch(lambda kind, **fields: pressure.append(fields)):
            yield
    except AssertionError as error:
        if not pressure:
            raise
        if in_a_run:
            raise Inconclusive(f"{TOO_BUSY}: {error}") from error
        pytest.skip(TOO_BUSY)


def in_one_attempt(measure: Callable[[], float], *, within: float, attempts: int) -> list[float]:
    """Measure again until one is within the limit, as often as that; return all that was measured."""
    measured: list[float] = []
    while len(measured) < attempts and not any(one <= within for one in measured):
        measured.append(measure())
    return measured
