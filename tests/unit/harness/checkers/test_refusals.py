"""private and refuses: each way in which an attempt can be answered wrongly."""

from __future__ import annotations

import pytest

from harness.checkers import private, refuses
from harness.verdict import Verdict

from .histories import Story
from .test_no_loss import kinds


def test_attempts_that_were_refused_as_they_should_pass() -> None:
    judgement = private(Story().attempt(1.0, 401).attempt(2.0, 403, expected=(403, 404)).history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["attempts"] == 2
    assert judgement.evidence["answered"] == {"401": 1, "403": 1}


def test_without_an_attempt_nothing_is_shown() -> None:
    for checker in (private, refuses):
        assert checker(Story().history()).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "not_refused"),
        (302, "not_refused"),
        (404, "wrong_refusal"),
        (500, "server_error"),
        (503, "server_error"),
        (None, "unanswered"),
    ],
)
def test_another_answer_is_a_finding(status: int | None, kind: str) -> None:
    judgement = refuses(Story().attempt(1.0, 401).attempt(2.0, status).history())
    assert judgement.verdict is Verdict.FAIL
    assert kinds(judgement) == [kind]


def test_an_answer_that_leaks_is_a_finding_whatever_its_status() -> None:
    for status in (200, 401):
        story = Story().attempt(1.0, status, expected=(200, 401), leaked=["secret 1", "secret 2"])
        judgement = private(story.history())
        assert kinds(judgement) == ["leaked"]
        assert judgement.reason == (
            f"mallory tried to poll at 1.000 s, and the answer ({status}) contained 'secret 1', 'secret 2'."
        )


def test_the_sentence_says_what_was_tried_and_what_would_be_right() -> None:
    judgement = private(Story().attempt(1.5, 200, expected=(401, 403), what="poll Bob's mailbox").history())
    assert judgement.reason == (
        "mallory tried to poll Bob's mailbox at 1.500 s, and was answered 200; expected: 401 or 403."
    )
    assert [event["what"] for event in judgement.findings[0].events] == ["poll Bob's mailbox"]


def test_each_has_its_own_promise() -> None:
    history = Story().attempt(1.0, 200).history()
    assert {private(history).promise, refuses(history).promise} == {"private", "refuses"}


def test_a_busy_machine_explains_silence_but_not_that_an_attempt_succeeded() -> None:
    silent = Story().pressure(0.5, 2.0).attempt(1.0, None).history()
    assert private(silent).verdict is Verdict.INCONCLUSIVE
    let_in = Story().pressure(0.5, 2.0).attempt(1.0, 200).history()
    assert kinds(private(let_in)) == ["not_refused"]
