"""Which rows are for which target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import UsageError
from harness.plan import PlanRow
from harness.plan.fitting import fitting
from harness.policy import Features
from harness.semantics import Semantics
from harness.targets.profile import Profile

MINE = Profile("mine", ("serve",))
FLOW = PlanRow("FLOW-01", "message-flow", "Two users", "done", "expected", 1)
QUEUE = replace(FLOW, id="QUEUE-01", tests=("tests/test_queue.py::test_x",))
METRICS = replace(FLOW, id="OPS-02", only_where=("metrics",))


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the tests, where the harness is started."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_queue.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_row_is_for_the_reference_server() -> None:
    rows = [FLOW, QUEUE, METRICS]
    assert fitting(rows, MINE, is_reference=True) == (rows, {})


def test_rows_about_the_inside_of_the_reference_are_left_out_for_others() -> None:
    fit, left_out = fitting([FLOW, QUEUE], MINE, is_reference=False)
    assert fit == [FLOW]
    assert left_out == {"about the inside of the reference server alone": [QUEUE]}


def test_rows_whose_tests_are_not_here_are_left_out(checkout: Path) -> None:
    (checkout / "tests" / "test_queue.py").unlink()
    fit, left_out = fitting([FLOW, QUEUE], MINE, is_reference=True)
    assert fit == [FLOW]
    assert list(left_out.values()) == [[QUEUE]]


def test_rows_about_what_a_server_has_not_are_left_out() -> None:
    without = structs.replace(MINE, has=Features(metrics=False))
    fit, left_out = fitting([FLOW, METRICS], without, is_reference=False)
    assert (fit, left_out) == ([FLOW], {"the target's profile says metrics = false": [METRICS]})


def test_rows_that_judge_only_what_the_target_does_not_promise_are_left_out() -> None:
    few = structs.replace(
        MINE, semantics=Semantics(promises=("no-loss", "bounded"), delivery="at_least_once")
    )
    judged = {"FLOW-01": {"no-loss", "order"}, "OPS-02": {"no-duplicate", "refuses"}}
    fit, left_out = fitting([FLOW, METRICS], few, is_reference=False, promises=judged)
    assert (fit, list(left_out.values())) == ([FLOW], [[METRICS]])
    assert list(left_out) == ["the target's profile makes no promise that is judged there"]
    assert fitting([FLOW, METRICS], MINE, is_reference=False, promises=judged) == ([FLOW, METRICS], {})


def test_what_cannot_be_looked_at_is_not_judged() -> None:
    unknown = structs.replace(MINE, semantics=Semantics(promises=("bounded",)), stores_as_the_contract=False)
    assert fitting([FLOW], unknown, is_reference=False, promises={"FLOW-01": {"bounded", "order"}})[0] == []


def test_a_key_that_no_profile_has_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"OPS-02 .*'wings'"):
        fitting([replace(METRICS, only_where=("wings",))], MINE, is_reference=False)


def test_a_row_that_needs_disks_is_left_out_where_there_are_none() -> None:
    power_cut = replace(FLOW, id="DURABLE-01", needs_disks=True)
    assert fitting([FLOW, power_cut], MINE, is_reference=False) == ([FLOW, power_cut], {})
    fit, left_out = fitting([FLOW, power_cut], MINE, is_reference=False, why_no_disks="not on this machine")
    assert (fit, left_out) == ([FLOW], {"not on this machine": [power_cut]})


def test_a_row_that_needs_a_browser_is_left_out_only_where_the_caller_says_so() -> None:
    window = replace(QUEUE, id="WINDOW-01", tests=(), needs_chromium=True)
    assert fitting([FLOW, window], MINE, is_reference=True) == ([FLOW, window], {})
    fit, left_out = fitting([FLOW, window], MINE, is_reference=True, without_chromium=True)
    assert fit == [FLOW]
    assert left_out == {"they need Chromium, and WITHOUT_CHROMIUM leaves them out": [window]}
