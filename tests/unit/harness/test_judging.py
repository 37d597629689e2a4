"""A history file is judged again as its run judged it, and by what it has where it was cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.history import Event
from harness.runner.judging import JudgedRow, judge, measured
from harness.verdict import Verdict

from .checkers.clients.client_story import ClientStory
from .checkers.histories import Story, message, ns


def good() -> Story:
    return Story().poll(0.5).send("a", 1.0).poll(2.5, message("a", 1.0)).poll(4.5).drained(5.0)


def bad() -> Story:
    return Story().poll(0.5).send("a", 1.0).send("b", 1.1).poll(2.5, message("b", 1.1)).drained(5.0)


def judging(story: Story, *promises: str) -> Story:
    story._add("judging", 6.0, promises=list(promises))
    return story


def phase(when: str = "teardown", *, verdict: str = "pass", reason: str = "", **changes: Any) -> Event:
    told = {"row": "", "kind": "phase", "t": ns(7.0), "rows": ["ROW-01"], "tests": {"ROW-01": 1}}
    told |= {"when": when, "begin": ns(0), "verdict": verdict, "reason": reason, "judged": False}
    return told | {"ended": when == "teardown"} | changes


OVER: Event = {"row": "", "kind": "over", "t": ns(9.0), "finished": True, "missing": []}


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(*events: Event) -> Path:
        path = tmp_path / "history.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        return path

    return write


def the_row(path: Path) -> JudgedRow:
    (row,) = judge(path).rows
    return row


def test_a_row_is_judged_by_the_promises_it_was_judged_by(file: Any) -> None:
    path = file(*judging(good(), "no-loss", "cursor").events, phase(), OVER)
    run = judge(path)
    assert run.verdict is Verdict.PASS
    assert [judgement.promise for judgement in run.rows[0].judgements] == ["no-loss", "cursor"]


def test_what_came_after_the_judging_is_not_judged(file: Any) -> None:
    story = judging(good(), "no-duplicate").send("b", 6.1).poll(6.5, message("a", 1.0), message("b", 6.1))
    assert the_row(file(*story.events, phase(), OVER)).verdict is Verdict.PASS


def test_a_phase_that_a_check_ended_is_as_that_check_comes_out_now(file: Any) -> None:
    """Whatever the file says of it: the history is the evidence, not the verdict of the day."""
    story = judging(bad(), "cursor", "no-duplicate")
    row = the_row(file(*story.events, phase("call", verdict="pass", judged=True), phase(), OVER))
    assert row.verdict is Verdict.FAIL
    assert row.reason.startswith("cursor: The answer at 2.510 s")


def test_a_judging_that_came_later_and_did_not_convict_ends_nothing(file: Any) -> None:
    """A scenario that decided nothing is judged by all other promises, and ends as it had."""
    undecided = judging(Story().poll(0.5).send("a", 1.0).poll(2.5, message("a", 1.0)), "recovers")
    story = judging(undecided, "no-phantom")
    said = phase("call", verdict="inconclusive", reason="as it was then", judged=1)
    row = the_row(file(*story.events, said, phase(), OVER))
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.reason.startswith("recovers: ")
    assert [judgement.promise for judgement in row.judgements] == ["recovers", "no-phantom"]


def test_what_no_checker_judges_is_as_the_scenario_said(file: Any) -> None:
    said = phase("call", verdict="fail", reason="a queue stayed wrong")
    row = the_row(file(*judging(good(), "cursor").events, said, phase(), OVER))
    assert (row.verdict, row.reason) == (Verdict.FAIL, "a queue stayed wrong")


def test_a_history_that_was_cut_off_convicts_but_never_acquits(file: Any) -> None:
    row = the_row(file(*good().events))
    assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, "interrupted")
    assert "no-phantom" in {judgement.promise for judgement in row.judgements}
    convicted = the_row(file(*bad().events, phase("setup")))
    assert convicted.verdict is Verdict.FAIL
    assert "cursor: The answer at 2.510 s" in convicted.reason


def test_promises_that_need_faults_or_looks_apply_where_there_are_some(file: Any) -> None:
    story = good().fault("redis refused", inject=1, active=1.1, heal=2, healed=2.1).queue(5.5).attempt(6, 401)
    promises = {judgement.promise for judgement in the_row(file(*story.events)).judgements}
    special = {"recovers", "bounded", "refuses"}
    assert special <= promises
    assert not special & {one.promise for one in the_row(file(*good().events)).judgements}


def test_a_run_that_did_not_come_to_its_end_is_no_pass(file: Any) -> None:
    events = [*judging(good(), "cursor").events, phase()]
    assert judge(file(*events)).verdict is Verdict.INCONCLUSIVE
    assert judge(file(*events, {**OVER, "finished": False})).verdict is Verdict.INCONCLUSIVE
    run = judge(file(*events, {**OVER, "missing": ["ROW-02"]}))
    assert (run.rows[1].id, run.rows[1].reason) == ("ROW-02", "nothing ran this row")
    assert run.verdict is Verdict.INCONCLUSIVE


def test_a_row_of_several_tests_needs_them_all(file: Any) -> None:
    half = phase(tests={"ROW-01": 2})
    assert the_row(file(*judging(good(), "cursor").events, half, OVER)).reason == "interrupted"
    other = phase(begin=None, t=ns(8))
    assert the_row(file(*judging(good(), "cursor").events, half, other, OVER)).verdict is Verdict.PASS


def test_what_other_processes_record_after_the_end_is_not_looked_at(file: Any) -> None:
    """The run decided without it."""
    interrupted = {**OVER, "finished": False}
    row = the_row(file(*judging(good(), "cursor").events, interrupted, phase()))
    assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, "interrupted")


def test_a_promise_nobody_here_can_judge_is_undecided(file: Any) -> None:
    (judgement,) = the_row(file(*judging(good(), "of-another-project").events, phase(), OVER)).judgements
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_row_says_what_it_measured_how_long_it_took_and_on_which_services(file: Any) -> None:
    found = {"redis": {"version": "8", "origin": "PATH"}}
    told = {"row": "", "kind": "environment", "t": 1, "found": found}
    story = judging(good(), "no-loss")
    phases = [phase("call", seconds=1.5), phase(seconds=0.25, measured={"mailboxes": 300})]
    run = judge(file(told, *story.events, *phases, OVER))
    assert run.environment == found
    (row,) = run.rows
    assert row.seconds == 1.75
    assert row.latencies_s == [1.5]
    assert row.measured == {
        "sent": 1,
        "received": 1,
        "polls": 3,
        "delivery_p50_s": 1.5,
        "delivery_max_s": 1.5,
        "mailboxes": 300,
    }


def test_a_row_about_a_client_says_what_the_client_showed_and_asked_for() -> None:
    story = ClientStory().told(1.0, "start").polls(1.0, 3.0).sent(1.1, "a", 1).sent(1.2, "b", 2)
    story.handed(1.6, "a").handed(1.6, "a", client="tab-2").handed(1.7, "b").over(3.0)
    assert measured([story.history()], []) == {"sent": 2, "shown": 2, "polls": 4}


def test_a_row_without_a_history_measured_nothing(file: Any) -> None:
    assert the_row(file(phase(begin=None), OVER)).measured == {}


def test_what_is_no_history_is_told(file: Any) -> None:
    with pytest.raises(ValueError, match="comes before its 'begin'"):
        judge(file({"row": "ROW-01", "kind": "drained", "t": 1}))


def test_what_was_cut_off_is_drawn_as_far_as_it_went(file: Any) -> None:
    run = judge(file(*bad().events, phase("setup")), draws=True)
    (timeline,) = run.rows[0].timelines
    (history,) = run.histories["ROW-01"]
    assert timeline.fates == "xd"
    assert [send.op for send in history.sends] == list(timeline.ops)
    assert judge(file(*bad().events, phase("setup"))).histories == {}, "drawn by no one"
