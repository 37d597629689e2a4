"""What a busy machine excuses, and what it does not."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.history import NS_PER_S, Bounds, Recorder
from harness.run import Run
from harness.run.broken import CertainlyBroken, Deadline, Inconclusive, PromiseBroken, certain
from harness.runner.outcomes import judged_by_its_end
from harness.verdict import Verdict

BEGIN_NS = 7 * NS_PER_S


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(io.BytesIO(), row="SIM-01", title="a row", seed=1, bounds=Bounds())


def second(since_begin: float) -> int:
    return BEGIN_NS + int(since_begin * NS_PER_S)


def pressure(recorder: Recorder, since: float, until: float) -> None:
    recorder.record("pressure", t=second(until), since=second(since), waiting=0.97, late_s=0.0)


def test_what_must_hold_on_any_machine_is_certain() -> None:
    certain(["something"], "never said")
    with pytest.raises(CertainlyBroken, match="four must be replays"):
        certain(0, "four must be replays")


def test_a_deadline_has_passed_when_the_time_is_over_and_pressure_would_be_known(recorder: Recorder) -> None:
    due = Deadline(recorder, BEGIN_NS, within_s=2)
    assert not due.has_passed(second(2.4))
    assert due.is_worth_waiting_for(second(2.4))
    assert due.has_passed(second(2.5))
    assert not due.is_worth_waiting_for(second(2.5))


def test_a_deadline_begins_again_after_pressure_and_its_aftermath(recorder: Recorder) -> None:
    due = Deadline(recorder, BEGIN_NS, within_s=2)
    pressure(recorder, 1.0, 1.25)
    assert not due.has_passed(second(4.7))  # 1.25 s, 1 s in which it works off what piled up, and 2 s
    assert due.has_passed(second(4.75))


def test_a_machine_that_never_quiets_down_proves_nothing(recorder: Recorder) -> None:
    due = Deadline(recorder, BEGIN_NS, within_s=2)
    for begin in range(31):
        pressure(recorder, begin, begin + 1)
    assert not due.has_passed(second(29.9))
    assert due.is_worth_waiting_for(second(29.9))
    with pytest.raises(Inconclusive, match="the server never had 2 s without a break"):
        due.has_passed(second(30))
    assert not due.is_worth_waiting_for(second(30))


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(PromiseBroken("late"), Verdict.INCONCLUSIVE), (CertainlyBroken("twice"), Verdict.FAIL)],
)
def test_pressure_excuses_what_is_not_certain(recorder: Recorder, error: Exception, verdict: Verdict) -> None:
    pressure(recorder, 1.0, 1.25)
    run = cast(Run, SimpleNamespace(recorder=recorder, checks=SimpleNamespace(judgements=[])))
    report: Any = SimpleNamespace(skipped=False, when="call")
    assert judged_by_its_end(error, report, run, is_scenario=True)[0] is verdict


def test_without_pressure_nothing_is_excused(recorder: Recorder) -> None:
    run = cast(Run, SimpleNamespace(recorder=recorder, checks=SimpleNamespace(judgements=[])))
    report: Any = SimpleNamespace(skipped=False, when="call")
    assert judged_by_its_end(PromiseBroken("late"), report, run, is_scenario=True) == (Verdict.FAIL, "late")
