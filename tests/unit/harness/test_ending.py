"""Which ends of a scenario its history may decide: those that a broken server can bring about."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.checkers.pressure import TOO_BUSY
from harness.client import FieldMissing
from harness.errors import DeadlineMissed, InfrastructureError, NotHere, NotServed, UsageError
from harness.history import Bounds, Recorder
from harness.run import Run
from harness.run.broken import CertainlyBroken, Inconclusive, NotAcked, PromiseBroken
from harness.runner.ending import OUT_OF_TIME, decide, may_be_decided
from harness.runner.outcomes import judged_by_its_end
from harness.verdict import Verdict


class Scenario:
    """What is asked of a `Run` in the end."""

    def __init__(self, *, gave_up: bool = False, checked: BaseException | None = None) -> None:
        self.recorder = Recorder(io.BytesIO(), row="SIM-01", title="a row", seed=1, bounds=Bounds())
        if gave_up:
            self.recorder.record("gave_up", of="traffic", what="too little came", since=0)
        self.judgements: list[Any] = []
        self.checks = self.mailboxes = self.traffic = self
        self.reads: Exception | None = None
        self.did: list[str] = []
        self._checked = checked

    def check_that_raised(self, error: BaseException) -> int:
        return int(error is self._checked)

    def read_what_is_left(self) -> None:
        self.did.append("read")
        if self.reads:
            raise self.reads

    def stop(self) -> None:
        self.did.append("stop")

    def judge_what_is_recorded(self) -> None:
        self.did.append("judge")


def as_run(scenario: Scenario) -> Run:
    return cast(Run, scenario)


@pytest.mark.parametrize(
    "error",
    [
        NotServed("nobody could sign in"),
        NotAcked("a send was answered nothing"),
        Inconclusive("too little was seen"),
        OUT_OF_TIME("Timeout (>180.0s)"),
        TypeError("what the server said was nonsense"),
        TimeoutError("a thread did not end"),
    ],
)
def test_what_a_broken_server_can_bring_about_its_history_may_decide(error: BaseException) -> None:
    assert may_be_decided(error, as_run(Scenario()))


@pytest.mark.parametrize(
    "error",
    [
        InfrastructureError("the proxy hung"),
        DeadlineMissed("the fault did not take effect"),
        UsageError("a port is taken"),
        NotHere("there is no libfaketime"),
        KeyboardInterrupt(),
        pytest.skip.Exception("not for this target"),
        PromiseBroken("a queue lacks a message"),
        CertainlyBroken("no counter grew"),
        FieldMissing("expires_at"),
    ],
)
def test_what_is_decided_or_nobodys_fault_is_left_as_it_is(error: BaseException) -> None:
    assert not may_be_decided(error, as_run(Scenario()))


def test_a_check_that_decided_nothing_leaves_the_other_promises_to_judge() -> None:
    undecided, broken = Inconclusive("not drained"), PromiseBroken("no-loss: message a")
    assert may_be_decided(undecided, as_run(Scenario(checked=undecided)))
    assert not may_be_decided(broken, as_run(Scenario(gave_up=True, checked=broken)))


def test_what_a_row_expected_after_a_wait_in_vain_may_be_another_promises_matter() -> None:
    for error in (PromiseBroken("late"), CertainlyBroken("a queue lacks a message")):
        assert may_be_decided(error, as_run(Scenario(gave_up=True)))


def test_what_a_busy_machine_excuses_may_be_decided_by_what_it_does_not() -> None:
    scenario = Scenario()
    scenario.recorder.record("pressure", since=0, waiting=0.97, late_s=0.0)
    assert may_be_decided(PromiseBroken("late"), as_run(scenario))
    assert not may_be_decided(CertainlyBroken("no counter grew"), as_run(scenario))


def test_who_has_the_time_reads_to_the_end_before_all_is_judged() -> None:
    scenario = Scenario()
    decide(as_run(scenario), in_time=True)
    assert scenario.did == ["read", "stop", "judge"]
    decide(as_run(late := Scenario()), in_time=False)
    assert late.did == ["stop", "judge"]


@pytest.mark.parametrize("error", [InfrastructureError("Redis has ended."), OUT_OF_TIME("Timeout")])
def test_what_cannot_be_read_any_more_is_noted_and_the_rest_is_judged(error: Exception) -> None:
    scenario = Scenario()
    scenario.reads = error
    decide(as_run(scenario), in_time=True)
    assert scenario.did == ["read", "judge"]
    assert str(error) in scenario.recorder.events[-1]["text"]


def test_a_scenario_that_ran_out_of_time_is_undecided() -> None:
    report: Any = SimpleNamespace(skipped=False, when="call")
    verdict, reason = judged_by_its_end(
        OUT_OF_TIME("Timeout (>180.0s)"), report, as_run(Scenario()), is_scenario=True
    )
    assert verdict is Verdict.INCONCLUSIVE
    assert reason == "the scenario did not finish: Timeout (>180.0s)"


@pytest.mark.parametrize("error", [NotServed("nobody could sign in"), Inconclusive("too little came")])
def test_what_was_waited_for_in_vain_on_a_busy_machine_is_tried_again(error: Exception) -> None:
    report: Any = SimpleNamespace(skipped=False, when="call")
    scenario = Scenario()
    scenario.recorder.record("pressure", since=scenario.recorder.events[0]["t"], waiting=0.97, late_s=0.0)
    verdict, reason = judged_by_its_end(error, report, as_run(scenario), is_scenario=True)
    assert verdict is Verdict.INCONCLUSIVE
    assert reason.startswith(f"{error}; but for ")
    assert TOO_BUSY in reason
    scenario = Scenario(checked=error)
    assert judged_by_its_end(error, report, as_run(scenario), is_scenario=True)[1] == str(error)
