"""no-loss on a machine that stays busy: quick answers in ten different seconds, and nothing explains it."""

from __future__ import annotations

from typing import Any

from harness.checkers import no_loss
from harness.verdict import Verdict

from .histories import Story, message


def polled(*polls: float, **changes: Any) -> Story:
    """A message is acked at 1.01, on a machine that is busy to the end; then Bob polls, and gets nothing."""
    story = Story().pressure(0.5, 60.0).poll(0.5).send("a", 1.0)
    for at in polls:
        story.poll(at, **({"end": at + changes["lasts"]} if "lasts" in changes else {}))
    return story


def verdict(story: Story) -> Verdict:
    return no_loss(story.drained(50).history()).verdict


TEN = tuple(1.1 + number for number in range(10))


def test_what_is_missing_after_quick_answers_in_ten_different_seconds_is_lost() -> None:
    judgement = no_loss(polled(*TEN).drained(50).history())
    assert [finding.kind for finding in judgement.findings] == ["not_stored"]


def test_nine_seconds_prove_nothing_however_many_answers_there_were() -> None:
    assert verdict(polled(*TEN[:9], *(9.2 + number / 50 for number in range(20)))) is Verdict.INCONCLUSIVE


def test_a_slow_answer_shows_that_the_server_had_no_processor() -> None:
    assert verdict(polled(*TEN, lasts=0.51)) is Verdict.INCONCLUSIVE
    assert verdict(polled(*TEN, lasts=0.49)) is Verdict.FAIL


def test_an_answer_in_a_fault_or_in_the_recovery_from_it_does_not_count() -> None:
    story = polled(*TEN, 11.1).fault("redis refused", inject=4.5, active=4.6, heal=5.0, healed=5.2)
    assert verdict(story) is Verdict.INCONCLUSIVE
    later = polled(*TEN, *(11.1 + number for number in range(4)))
    assert verdict(later.fault("redis refused", inject=4.5, active=4.6, heal=5.0, healed=5.2)) is Verdict.FAIL


def test_no_answer_is_not_a_quick_answer() -> None:
    story = polled(*TEN[:9]).poll(10.1, status=503).poll(11.5, status=None)
    assert verdict(story.poll(9.9)) is Verdict.INCONCLUSIVE


def test_a_message_that_came_in_the_end_was_not_lost() -> None:
    story = polled(*TEN)
    assert verdict(story.poll(12.0, message("a", 1.0))) is Verdict.PASS
