"""Scenarios take no message unseen: what a server deletes as it is read must be in the history."""

from __future__ import annotations

import ast
from pathlib import Path

from harness import scenarios
from harness.plan import read_plan
from harness.semantics import Semantics
from harness.targets.profile import Profile

PLAN = Path(__file__).parents[3] / "TEST_REALTIME_MESSAGING.md"
UNRECORDED = {"poll", "ask", "poll_as", "page_of"}
"""What makes a poll of a client, or reads the answer of one, past the recorder."""


def test_a_scenario_that_polls_past_the_recorder_needs_messages_that_stay() -> None:
    found = set()
    for path in sorted(Path(scenarios.__file__).parent.glob("[a-z]*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
            names = {each.func.attr for each in calls if isinstance(each.func, ast.Attribute)}
            if isinstance(function, ast.FunctionDef) and names & UNRECORDED:
                found.add(function.name)
    assert found == {
        "test_a_since_that_is_not_a_timestamp_is_refused",
        "test_a_limit_outside_its_range_is_refused",
        "_check_stored",  # of SEC-09, which reads what attempts have sent, and no other reader does
    }
    needs = {row.id: row.only_where for row in read_plan(PLAN)}
    assert "timestamp_cursor" in needs["POLL-03"]  # such a cursor deletes nothing
    assert "kept_messages" in needs["POLL-04"]


def test_a_row_that_reads_unseen_is_left_out_where_reading_deletes() -> None:
    deletes = Profile("mine", command=("run",), semantics=Semantics(cursor="none"))
    assert "the row reads unseen" in deletes.lacks["kept_messages"]
    assert Profile("mine", command=("run",)).lacks["kept_messages"] == ""
