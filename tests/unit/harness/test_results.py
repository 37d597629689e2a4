"""How the phases of tests, from one process or several, become rows, a verdict and an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.errors import DeadlineMissed, InfrastructureError, NotHere, UsageError
from harness.history import HistoryFile
from harness.plan import PlanRow
from harness.run import Inconclusive, PromiseBroken
from harness.run.broken import NotPromised
from harness.runner.outcomes import of_phase
from harness.runner.results import Ended, Part, Results, from_json, to_json
from harness.runner.session import Settings
from harness.targets.profile import Profile
from harness.verdict import Verdict

PLAN = [
    PlanRow("FLOW-01", "message-flow", "Two users", "done", "expected", 1),
    PlanRow("ERR-01", "errors", "Redis is down", "done", "expected", 2),
]
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@pytest.fixture
def results(tmp_path: Path) -> Results:
    profile = Profile("mine", ("serve",))
    return Results(PLAN, Settings(profile=profile, seed=7, reports=tmp_path, workers=2))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[HistoryFile]:
    with HistoryFile(tmp_path / "history.jsonl") as file:
        yield file


def _ended(row: str, verdict: Verdict = PASS, **changes: Any) -> Part:
    return Part(row, verdict, 0.5, ended=True, **changes)


def _take(results: Results, *parts: Part) -> None:
    for part in from_json(to_json(parts)):
        results.take(part)


def _record(history: HistoryFile, row: str, verdict: Verdict = PASS, reason: str = "") -> None:
    """The end of a test that recorded no history of its own."""
    told = {"rows": [row], "tests": {row: 1}, "when": "teardown", "begin": None, "judged": 0, "ended": True}
    history.record("phase", verdict=verdict, reason=reason, seconds=0.5, measured={}, **told)


def test_a_row_that_ended_is_shown_once_with_the_time_of_all_its_phases(results: Results) -> None:
    _take(results, Part("FLOW-01", PASS, 1.0), Part("FLOW-01", PASS, 2.0), _ended("FLOW-01"))
    assert results.newly_ended() == [Ended("FLOW-01", "Two users", PASS, 3.5)]
    assert results.newly_ended() == []


def test_a_row_is_shown_as_bad_as_its_worst_phase(results: Results) -> None:
    _take(results, Part("FLOW-01", FAIL, 2.0), _ended("FLOW-01", INCONCLUSIVE))
    assert [row.verdict for row in results.newly_ended()] == [FAIL]


def test_a_row_of_several_tests_has_ended_when_all_have(results: Results) -> None:
    _take(results, _ended("FLOW-01", tests=2))
    assert results.newly_ended() == []
    _take(results, _ended("FLOW-01", INCONCLUSIVE, tests=2))
    assert results.newly_ended() == [Ended("FLOW-01", "Two users", INCONCLUSIVE, 1.0)]


def test_a_row_that_was_asked_for_and_nothing_ran_is_never_green(
    results: Results, history: HistoryFile
) -> None:
    _take(results, _ended("FLOW-01"))
    _record(history, "FLOW-01")
    results.take_missing(["FLOW-01", "ERR-01"])
    assert [row.id for row in results.newly_ended()] == ["FLOW-01", "ERR-01"]
    record = results.write()
    assert record.exit_code == 3
    assert [row.reason for row in record.rows] == ["", "nothing ran this row"]


def test_a_skipped_row_is_never_green(results: Results, history: HistoryFile) -> None:
    _record(history, "FLOW-01")
    _record(history, "ERR-01", Verdict.SKIPPED, "no libfaketime")
    assert results.write().exit_code == 3


def test_the_record_says_what_the_history_says_in_the_plans_order(
    results: Results, history: HistoryFile, tmp_path: Path
) -> None:
    """Whatever was shown while the run went on, and whichever row ended first."""
    _take(results, _ended("FLOW-01"), _ended("ERR-01"))
    redis = {"version": "8", "origin": "PATH"}
    history.record("environment", found={"redis": redis})
    _record(history, "ERR-01", FAIL, "no-loss: gone")
    _record(history, "FLOW-01")
    record = results.write()
    assert [row.id for row in record.rows] == ["FLOW-01", "ERR-01"]
    assert (record.rows[0].title, record.rows[0].section) == ("Two users", "message-flow")
    assert (record.verdict, record.exit_code) == (FAIL, 1)
    assert record.environment["redis"] == redis
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["seed"] == 7
    assert "FLOW-01" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_run_is_never_green(results: Results, history: HistoryFile) -> None:
    _record(history, "FLOW-01")
    results.interrupted = True
    assert results.write().exit_code == 3


def test_a_run_that_had_to_stop_says_why_and_is_never_green(results: Results, history: HistoryFile) -> None:
    _record(history, "FLOW-01")
    _take(results, _ended("ERR-01", stopped="Port 1 is taken.\nlast lines"))
    assert results.stopped == "Port 1 is taken.\nlast lines"
    assert results.write().verdict is INCONCLUSIVE


@pytest.mark.parametrize(
    ("error", "when", "verdict", "reason"),
    [
        (None, "call", Verdict.PASS, ""),
        (PromiseBroken("no-loss: gone"), "call", Verdict.FAIL, "no-loss: gone"),
        (AssertionError("assert 1 == 2\nmore"), "call", Verdict.FAIL, "assert 1 == 2"),
        (AssertionError("in the fixture"), "setup", Verdict.INCONCLUSIVE, "the harness itself failed"),
        (Inconclusive("too little"), "call", Verdict.INCONCLUSIVE, "too little"),
        (InfrastructureError("did not take effect"), "call", Verdict.INCONCLUSIVE, "did not take effect"),
        (DeadlineMissed("never ready"), "setup", Verdict.INCONCLUSIVE, "never ready"),
        (UsageError("no such port"), "setup", Verdict.INCONCLUSIVE, "no such port"),
        (KeyError("x"), "call", Verdict.INCONCLUSIVE, "the harness itself failed: KeyError"),
        (NotHere("libfaketime is missing"), "call", Verdict.SKIPPED, "libfaketime is missing"),
        (NotPromised("order: not promised"), "call", Verdict.SKIPPED, "order: not promised"),
    ],
)
def test_only_a_broken_promise_fails_the_server(
    error: BaseException | None, when: str, verdict: Verdict, reason: str
) -> None:
    report = cast(pytest.TestReport, SimpleNamespace(skipped=False, when=when))
    found, said = of_phase(error, report, is_scenario=True)
    assert found is verdict
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("error", "when", "verdict"),
    [
        (AssertionError("assert 1 == 2"), "call", Verdict.FAIL),
        (DeadlineMissed("not healthy within 2 s"), "call", Verdict.FAIL),
        (KeyError("x"), "call", Verdict.FAIL),
        (KeyError("x"), "setup", Verdict.INCONCLUSIVE),
        (NotHere("Redis is not ours"), "call", Verdict.SKIPPED),
        (Inconclusive("the machine was too busy"), "call", Verdict.INCONCLUSIVE),
    ],
)
def test_of_a_test_that_is_no_scenario_any_failure_is_a_fail(
    error: BaseException, when: str, verdict: Verdict
) -> None:
    report = cast(pytest.TestReport, SimpleNamespace(skipped=False, when=when))
    assert of_phase(error, report, is_scenario=False)[0] is verdict
