"""Chaos, other stores: whatever TCP server the profile names as a store is away, silent, slow, or flaps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, recovers, bounded)


@pytest.mark.plan("CHAOS-41")
def test_another_store_goes_down(run: Run) -> None:
    """Each one in turn; its port is closed."""
    _break_each(run, run.faults.upstream_refused)


@pytest.mark.plan("CHAOS-42")
def test_another_store_goes_silent(run: Run) -> None:
    """Connections to it stay open and nothing answers."""
    _break_each(run, run.faults.upstream_black_holed)


@pytest.mark.plan("CHAOS-43")
def test_another_store_is_slow(run: Run) -> None:
    """Every answer of it is late."""
    _break_each(run, run.faults.upstream_slow)


@pytest.mark.plan("CHAOS-44")
def test_another_store_flaps(run: Run) -> None:
    """It is there for a moment and away for a moment, again and again."""
    _break_each(run, run.faults.upstream_flapping)


def _break_each(run: Run, fault_of: Callable[[str], AbstractContextManager[object]]) -> None:
    """Break one store after the other under traffic; clients retry until an answer is definite."""
    run.traffic.start(retrying=True)
    run.wait.for_traffic(sends=20, polls=4)
    for store in run.upstreams:
        with fault_of(store):
            run.wait.for_traffic(sends=20, polls=10)
        run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
