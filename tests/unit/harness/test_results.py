"""How the phases of tests, from one process or several, become rows, a verdict and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.errors import DeadlineMissed, InfrastructureError, NotHere, UsageError
from harness.plan import Row
from harness.plugin import _verdict
from harness.run import Inconclusive, PromiseBroken
from harness.session.results import Part, Results, from_json, to_json
from harness.session.session import Settings
from harness.targets.profile import Profile
from harness.verdict import Verdict

PLAN = [
    Row("FLOW-01", "message-flow", "Two users", "done", "expected", 1),
    Row("ERR-01", "errors", "Redis is down", "done", "expected", 2),
]
JUDGEMENT = {"promise": "no-loss", "verdict": "pass", "reason": "", "findings": (), "evidence": {"acked": 3}}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    profile = Profile("mine", ("serve",))
    return Results(PLAN, Settings(profile=profile, seed=7, reports=tmp_path, workers=2))


def _passed(row: str, **changes: Any) -> list[Part]:
    setup = Part(row, Verdict.PASS, "", 1.0)
    call = Part(row, Verdict.PASS, "", 2.0)
    return [setup, call, Part(row, Verdict.PASS, "", 0.5, ended=True, **changes)]


def _take(results: Results, parts: list[Part]) -> None:
    for part in from_json(to_json(parts)):
        results.take(part)


def test_a_row_whose_phases_passed_passes_and_takes_their_time(results: Results) -> None:
    _take(results, _passed("FLOW-01", judgements=[JUDGEMENT], measured={"sent": 3}, latencies_s=[0.5]))
    (row,) = results.newly_ended()
    assert (row.id, row.title, row.section) == ("FLOW-01", "Two users", "message-flow")
    assert (row.verdict, row.seconds, row.reason) == (Verdict.PASS, 3.5, "")
    assert (row.measured, row.latencies_s) == ({"sent": 3}, [0.5])
    assert row.judgements[0].evidence == {"acked": 3}
    assert results.newly_ended() == []


def test_a_row_is_as_bad_as_its_worst_phase(results: Results) -> None:
    parts = _passed("FLOW-01")
    parts[1] = Part("FLOW-01", Verdict.FAIL, "no-loss: gone", 2.0)
    parts[2] = Part("FLOW-01", Verdict.INCONCLUSIVE, "not healed", 0.5, ended=True)
    _take(results, parts)
    (row,) = results.newly_ended()
    assert (row.verdict, row.reason) == (Verdict.FAIL, "no-loss: gone; not healed")


def test_a_row_of_two_tests_is_as_bad_as_the_worse(results: Results) -> None:
    _take(results, _passed("FLOW-01"))
    _take(results, [Part("FLOW-01", Verdict.INCONCLUSIVE, "too little", 1.0, ended=True)])
    assert results.result("FLOW-01").verdict is Verdict.INCONCLUSIVE


def test_a_row_of_several_tests_has_ended_when_all_have(results: Results) -> None:
    _take(results, _passed("FLOW-01", tests=2))
    assert results.newly_ended() == []
    assert results.result("FLOW-01").verdict is Verdict.INCONCLUSIVE
    _take(results, _passed("FLOW-01", tests=2))
    (row,) = results.newly_ended()
    assert (row.verdict, row.seconds) == (Verdict.PASS, 7.0)


def test_a_row_that_was_asked_for_and_nothing_ran_is_never_green(results: Results) -> None:
    _take(results, _passed("FLOW-01"))
    results.take_missing(["FLOW-01", "ERR-01"])
    assert results.result("FLOW-01").verdict is Verdict.PASS
    assert results.result("ERR-01").reason == "nothing ran this row"
    assert results.write().exit_code == 3


def test_a_skipped_row_is_never_green(results: Results) -> None:
    _take(results, _passed("FLOW-01"))
    _take(results, [Part("ERR-01", Verdict.SKIPPED, "no libfaketime", 0.0, ended=True)])
    assert results.write().exit_code == 3


def test_a_row_that_was_cut_off_is_inconclusive(results: Results) -> None:
    _take(results, _passed("FLOW-01")[:1])
    assert results.result("FLOW-01").verdict is Verdict.INCONCLUSIVE
    assert results.result("FLOW-01").reason == "interrupted"


def test_the_record_has_the_plans_order_whichever_row_ended_first(results: Results, tmp_path: Path) -> None:
    _take(results, _passed("ERR-01"))
    _take(results, _passed("FLOW-01", environment={"redis": {"version": "8", "origin": "PATH"}}))
    record = results.write()
    assert [row.id for row in record.rows] == ["FLOW-01", "ERR-01"]
    assert (record.verdict, record.exit_code) == (Verdict.PASS, 0)
    assert record.environment["redis"] == {"version": "8", "origin": "PATH"}
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["seed"] == 7
    assert "FLOW-01" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_run_is_never_green(results: Results) -> None:
    _take(results, _passed("FLOW-01"))
    results.interrupted = True
    assert results.write().exit_code == 3


def test_a_run_that_had_to_stop_says_why_and_is_never_green(results: Results) -> None:
    _take(results, _passed("FLOW-01"))
    _take(
        results, [Part("ERR-01", Verdict.PASS, "", 1.0, ended=True, stopped="Port 1 is taken.\nlast lines")]
    )
    assert results.stopped == "Port 1 is taken.\nlast lines"
    assert results.write().verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("error", "when", "verdict", "reason"),
    [
        (None, "call", Verdict.PASS, ""),
        (PromiseBroken("no-loss: gone"), "call", Verdict.FAIL, "no-loss: gone"),
        (AssertionError("assert 1 == 2\nmore"), "call", Verdict.FAIL, "assert 1 == 2"),
        (AssertionError("in the fixture"), "setup", Verdict.INCONCLUSIVE, "the harness itself failed"),
        (Inconclusive("too little"), "call", Verdict.INCONCLUSIVE, "too little"),
        (InfrastructureError("did not bite"), "call", Verdict.INCONCLUSIVE, "did not bite"),
        (DeadlineMissed("never ready"), "setup", Verdict.INCONCLUSIVE, "never ready"),
        (UsageError("no such port"), "setup", Verdict.INCONCLUSIVE, "no such port"),
        (KeyError("x"), "call", Verdict.INCONCLUSIVE, "the harness itself failed: KeyError"),
        (NotHere("libfaketime is missing"), "call", Verdict.SKIPPED, "libfaketime is missing"),
    ],
)
def test_only_a_broken_promise_fails_the_server(
    error: BaseException | None, when: str, verdict: Verdict, reason: str
) -> None:
    report = cast(pytest.TestReport, SimpleNamespace(skipped=False, when=when))
    found, said = _verdict(error, report, is_scenario=True)
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
    ],
)
def test_of_a_test_that_is_no_scenario_any_failure_is_a_fail(
    error: BaseException, when: str, verdict: Verdict
) -> None:
    report = cast(pytest.TestReport, SimpleNamespace(skipped=False, when=when))
    assert _verdict(error, report, is_scenario=False)[0] is verdict
