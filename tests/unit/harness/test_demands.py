"""Which promises each row may judge is read from its scenario, so that it can be left out."""

from __future__ import annotations

from pathlib import Path

from harness.checkers import DELIVERY, promise_of
from harness.cli.demands import promises_by_row
from harness.plan import read_plan

PLAN = Path(__file__).parents[3] / "TEST_REALTIME_MESSAGING.md"
OF_DELIVERY = frozenset(map(promise_of, DELIVERY))


def test_every_row_that_a_scenario_runs_judges_something() -> None:
    rows = {row.id for row in read_plan(PLAN) if not row.tests}
    assert rows == promises_by_row().keys()
    assert all(promises_by_row().values())


def test_promises_are_found_in_what_a_scenario_calls_and_passes_on() -> None:
    found = promises_by_row()
    assert found["POLL-01"] == {"refuses"}
    assert found["ERR-02"] >= OF_DELIVERY | {"on-time", "available", "recovers", "bounded"}
    assert found["SEC-04"] >= {"private", "no-loss", "available"}
    assert "private" not in found["FLOW-01"]


def test_the_promise_that_is_judged_beside_another_is_there_as_well() -> None:
    assert "retention-told" in promises_by_row()["FLOW-01"]
