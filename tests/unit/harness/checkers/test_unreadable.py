"""Answers that could not be read: what may be the profile's fault proves nothing, the rest is judged."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import DELIVERY, available, no_loss, on_time, run_checker
from harness.checkers.unreadable import CHANGED, why_undecided
from harness.history import NS_PER_S, History
from harness.verdict import Verdict

from .histories import Story, message
from .test_no_loss import kinds

FIELDS: dict[str, Any] = {
    "outcome": "unknown",
    "error": "malformed answer: no `messages`",
    "unreadable": "fields",
}
CONTRACT: dict[str, Any] = FIELDS | {"unreadable": "contract"}
BODY: dict[str, Any] = {"outcome": "unknown", "error": "the body is not JSON", "unreadable": "body"}


def answered_right(story: Story, start: float) -> Story:
    """A message that is sent and read."""
    name = f"m{start:g}"
    return story.send(name, start).poll(start + 1, message(name, start))


def broken(story: Story) -> Story:
    return story.fault("redis refused", inject=10.0, active=10.1, heal=20.0, healed=20.1)


@pytest.mark.parametrize("how", [FIELDS, CONTRACT, BODY])
def test_answers_that_are_no_longer_read_prove_nothing(how: dict[str, Any]) -> None:
    story = answered_right(Story(), 1.0).send("late", 3.0)
    for second in range(4, 20, 2):
        story.poll(second, **how)
    for checker in (*DELIVERY, on_time, available):
        judgement = run_checker(checker, story.drained(20.0).history())
        assert (judgement.verdict, judgement.findings) == (Verdict.INCONCLUSIVE, ())
        assert CHANGED in judgement.reason
    said = str(how["error"]).removeprefix("malformed answer: ")
    assert f"8 answers could not be read, the first one at 4.000 s ({said})" in judgement.reason


def test_json_of_another_shape_now_and_then_may_be_the_profiles_fault() -> None:
    story = answered_right(answered_right(Story(), 1.0).poll(3.0, **FIELDS), 4.0).drained(6.0)
    assert run_checker(available, story.history()).verdict is Verdict.INCONCLUSIVE
    assert run_checker(no_loss, story.history()).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("how", [CONTRACT, BODY])
def test_what_no_profile_explains_is_the_servers_fault_now_and_then(how: dict[str, Any]) -> None:
    story = answered_right(answered_right(Story(), 1.0).poll(3.0, **how), 4.0)
    assert kinds(run_checker(available, story.history())) == ["wrong_status"]


@pytest.mark.parametrize("how", [FIELDS, CONTRACT, BODY])
@pytest.mark.parametrize("recovers", [True, False])
def test_what_began_while_something_was_broken_is_the_servers_fault(
    how: dict[str, Any], recovers: bool
) -> None:
    story = broken(answered_right(Story(), 1.0)).poll(15.0, **how)
    if recovers:
        answered_right(story, 30.0)
    else:
        story.poll(30.0, **how)
    found = kinds(run_checker(available, story.history()))
    assert found == ["wrong_status"] * (1 if recovers else 2)


def test_what_was_unreadable_before_a_fault_proves_nothing_in_it() -> None:
    story = broken(answered_right(Story(), 1.0).poll(4.0, **FIELDS)).poll(15.0, **FIELDS)
    assert run_checker(available, answered_right(story, 30.0).history()).verdict is Verdict.INCONCLUSIVE


def test_a_promise_that_readable_answers_break_stays_broken() -> None:
    """The message is in none of the answers that could be read, and others that came later are."""
    story = Story().send("lost", 1.0).send("b", 2.0).poll(3.0, message("b", 2.0)).poll(5.0, **FIELDS)
    judgement = run_checker(no_loss, story.history())
    assert judgement.verdict is Verdict.FAIL
    assert kinds(judgement) == ["not_stored"]


def test_a_send_whose_answer_cannot_be_read_may_arrive() -> None:
    story = answered_right(Story(), 1.0).send("a", 3.0, **FIELDS).poll(4.0, message("a", 3.0)).drained(5.0)
    history = story.history()
    assert [run_checker(checker, history).findings for checker in (*DELIVERY, available)] == [()] * 6
    assert "1 answer could not be read" in why_undecided(history)


@pytest.mark.parametrize("served", [0, 1])
def test_sign_ins_without_a_token_prove_nothing_until_one_has_it_again(served: int) -> None:
    story = Story().required(1.0, 200).required(2.0, 200, error="the body is not JSON", unreadable="body")
    for _ in range(served):
        story.required(3.0, 200)
    judgement = run_checker(available, answered_right(story, 4.0).history())
    assert kinds(judgement) == ["wrong_status"] * served


def test_polls_of_a_path_that_is_never_there_prove_nothing() -> None:
    story = Story().send("a", 1.0)
    for second in (2.0, 4.0, 6.0):
        story.poll(second, status=404)
    assert "3 answers could not be read, the first one at 2.000 s (status 404)" in why_undecided(
        story.history()
    )
    assert run_checker(available, story.history()).verdict is Verdict.INCONCLUSIVE
    assert kinds(run_checker(available, story.poll(8.0).history())) == ["wrong_status"] * 3


def test_what_an_unreadable_answer_of_a_destructive_read_held_may_be_hidden() -> None:
    semantics = {"cursor": "none", "visibility_s": 30.0}
    story = Story(semantics=semantics).send("a", 1.0).poll(0.5).poll(2.0, **FIELDS)
    for second in range(4, 12, 2):
        story.poll(float(second))
    for checker in (no_loss, on_time, available):
        assert run_checker(checker, story.drained(13.0).history()).verdict is Verdict.INCONCLUSIVE


def test_what_could_not_be_read_is_written_and_read_again() -> None:
    story = answered_right(Story(), 1.0).send("a", 3.0, **FIELDS).poll(4.0, **BODY)
    history = story.history()
    again = History.from_events([story.events[0], *(e for one in history.sends for e in one.events)])
    assert [send.unreadable for send in again.sends] == [None, "fields"]
    assert [poll.event.get("unreadable") for poll in history.polls] == [None, "body"]
    assert history.polls[-1].end_ns - history.begin_ns == round(4.01 * NS_PER_S)
