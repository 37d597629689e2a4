"""Whether a step was carried, by the history that the generator recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.capacity.judging import judged, step
from benchmarks.capacity.orders import Report
from benchmarks.capacity.running import bare_step
from benchmarks.capacity.search import Answer
from benchmarks.capacity.steps import GENERATOR, SERVER, Step
from tests.unit.harness.checkers.histories import Story, message

from .made import load, machine

REPORT: dict[str, Any] = {
    "polls": 40,
    "sends": 4,
    "acked": 4,
    "missed": 0,
    "failed": 0,
    "seconds": 4.0,
    "lag_p99_ms": 2.0,
    "poll_p50_ms": 3.0,
    "poll_p99_ms": 9.0,
    "send_p99_ms": 20.0,
    "begin_ns": 0,
}


def story(*, loses: bool = False, empty_polls: int = 0) -> Story:
    """Two messages to a poller of every two seconds, which come after some polls that bring nothing."""
    told = Story().poll(0.0).send("a", 1.0).send("b", 1.1)
    arrived = [message("a", 1.0), message("b", 1.1)][: 1 if loses else 2]
    for number in range(7):
        told.poll(2.0 + 2 * number, *(arrived if number == empty_polls else ()))
    return told.drained(15.0)


def judge(told: Story, tmp_path: Path, **changes: Any) -> Step:
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in told.events), encoding="utf-8")
    return judged(10, Report(**REPORT | changes), machine(), path)


def test_a_step_in_which_every_promise_was_kept_is_carried(tmp_path: Path) -> None:
    done = judge(story(), tmp_path)
    assert (done.answer, done.why, done.gave_out, done.lost) == (Answer.CARRIED, "", "", 0)
    assert (done.sent, done.load.polls_per_s, done.load.sends_per_s) == (2, 10.0, 1.0)


def test_a_late_delivery_is_broken_and_names_what_gave_out(tmp_path: Path) -> None:
    done = judge(story(empty_polls=3), tmp_path)
    assert (done.answer, done.gave_out, done.is_unsafe) == (Answer.BROKEN, SERVER, False)
    assert done.why.startswith("on-time: ")
    assert done.late == 2


def test_a_lost_message_is_unsafe(tmp_path: Path) -> None:
    done = judge(story(loses=True), tmp_path)
    assert (done.answer, done.is_unsafe, done.lost) == (Answer.BROKEN, True, 1)
    assert done.delivery_p99_ms is None


def test_a_step_that_proves_too_little_is_not_carried(tmp_path: Path) -> None:
    done = judge(Story().poll(0.0).drained(1.0), tmp_path)
    assert done.answer is not Answer.CARRIED
    assert "no message was acked" in done.why


def test_a_generator_that_was_late_proves_nothing_though_all_promises_were_kept(tmp_path: Path) -> None:
    done = judge(story(), tmp_path, missed=5)
    assert (done.answer, done.gave_out) == (Answer.UNKNOWN, GENERATOR)


def test_a_lost_message_counts_also_where_the_generator_was_late(tmp_path: Path) -> None:
    done = judge(story(loses=True), tmp_path, missed=5)
    assert (done.answer, done.is_unsafe) == (Answer.BROKEN, True)


def test_why_it_was_not_carried_never_goes_with_carried() -> None:
    assert step(4, load(), machine(), why="").answer is Answer.CARRIED
    assert step(4, load(), machine(), why="slow").answer is Answer.BROKEN


@pytest.mark.parametrize(("p99_ms", "answer"), [(20.0, Answer.CARRIED), (600.0, Answer.BROKEN)])
def test_the_bare_route_is_carried_while_it_answers_in_time(
    p99_ms: float, answer: Answer, tmp_path: Path
) -> None:
    path = tmp_path / "history.jsonl"
    told = Story().poll(0.0).poll(2.0)
    path.write_text("".join(json.dumps(event) + "\n" for event in told.events), encoding="utf-8")
    assert bare_step(10, Report(**REPORT | {"poll_p99_ms": p99_ms}), machine(), path).answer is answer
