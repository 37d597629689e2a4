"""Where plan and runners disagree: no row loses a runner, and no runner its row, without a sentence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from harness.plan import PlanRow
from harness.plan.drift import Runners, drift

FLOW = PlanRow("FLOW-01", "message-flow", "Two users", "they write", "it arrives", 11)
QUEUE = PlanRow(
    "QUEUE-01",
    "queue",
    "Cap",
    "1,001 are sent",
    "1,000 stay",
    20,
    ("tests/a.py::test_x", "tests/b.py::test_x"),
)
NODES = ["tests/a.py::TestRedis::test_x[1]", "tests/a.py::TestRedis::test_x[2]", "tests/b.py::test_x"]


def runners(**changes: dict[str, list[str]] | list[str]) -> Runners:
    all_ = {"scenarios": {"FLOW-01": ["flow.py::test_f"]}, "tests": {"QUEUE-01": NODES}} | changes
    return Runners(
        defaultdict(list, all_["scenarios"]), defaultdict(list, all_["tests"]), all_.get("unmarked", [])
    )


def test_a_plan_and_runners_that_agree_have_no_drift() -> None:
    assert drift([FLOW, QUEUE], runners()) == []


def test_a_deleted_row_is_told_with_each_of_its_runners_and_the_nearest_row() -> None:
    assert drift([replace(FLOW, id="FLOW-02"), QUEUE], runners())[1:] == [
        "flow.py::test_f names the row FLOW-01, which the plan does not have. Did you mean FLOW-02?"
    ]
    assert drift([FLOW], runners()) == [
        "tests/a.py::test_x names the row QUEUE-01, which the plan does not have.",
        "tests/b.py::test_x names the row QUEUE-01, which the plan does not have.",
    ]


def test_a_row_that_lost_its_only_runner_is_told() -> None:
    assert drift([FLOW, QUEUE], runners(scenarios={})) == [
        "No test runs FLOW-01 (Two users, line 11 of the plan)."
    ]


def test_a_row_that_lost_one_of_its_tests_is_told_though_the_other_bears_the_same_name() -> None:
    assert drift([FLOW, QUEUE], runners(tests={"QUEUE-01": NODES[:2]})) == [
        "The plan says that tests/b.py::test_x runs QUEUE-01 (Cap, line 20 of the plan),"
        " but no such test names the row."
    ]


def test_a_runner_that_the_row_does_not_name_is_told() -> None:
    more = {"FLOW-01": ["tests/c.py::test_y"], "QUEUE-01": [*NODES, "tests/c.py::test_z"]}
    said = drift([FLOW, QUEUE], runners(tests=more))
    assert said == [
        'tests/c.py::test_y names the row FLOW-01, but that row\'s "Run by" does not name it.',
        'tests/c.py::test_z names the row QUEUE-01, but that row\'s "Run by" does not name it.',
    ]


def test_a_scenario_that_lost_its_marker_is_told() -> None:
    assert drift([FLOW, QUEUE], runners(unmarked=["flow.py::test_g"])) == [
        "flow.py::test_g names no row of the plan."
    ]


def test_what_runs_a_row_is_listed_once() -> None:
    assert runners().of("QUEUE-01") == ["tests/a.py::test_x", "tests/b.py::test_x"]
    assert runners().of("FLOW-09") == []
