"""cursor: which answer gives a cursor that passes a message."""

from __future__ import annotations

from harness.checkers import cursor, no_loss
from harness.verdict import Verdict

from .histories import Story, message, stamp
from .test_no_loss import kinds


def test_a_cursor_at_the_last_message_delivered_passes_nothing() -> None:
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1).poll(1.5, message("a", 1.0), message("b", 1.1))
    judgement = cursor(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence == {"cursors": 2, "compared": 2}


def test_the_first_answer_that_passes_a_message_is_reported() -> None:
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1).send("c", 1.2)
    story.poll(1.5, message("b", 1.1)).poll(2.5, message("c", 1.2))
    judgement = cursor(story.history())
    assert kinds(judgement) == ["passed"]
    assert judgement.reason == (
        "The answer at 1.510 s gave bob#1 the cursor 2026-01-01T12:00:01.100000Z, which passes message 'a' "
        "from alice to bob, begun at 1.000 s: neither this nor an earlier answer had delivered the message; "
        "none did."
    )


def test_a_message_that_is_served_after_a_cursor_passed_it_is_a_finding() -> None:
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1)
    story.poll(1.5, message("b", 1.1)).poll(2.5, message("a", 1.0)).poll(5.0).drained(6)
    assert no_loss(story.history()).verdict is Verdict.PASS
    judgement = cursor(story.history())
    assert kinds(judgement) == ["passed"]
    assert "only a later answer did, at 2.510 s" in judgement.reason


def test_of_two_messages_with_one_timestamp_the_cursor_passes_both() -> None:
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1, timestamp=stamp(1.0)).poll(1.5, message("a", 1.0))
    assert kinds(cursor(story.history())) == ["passed"]


def test_a_cursor_that_runs_ahead_of_every_message_passes_what_comes_late() -> None:
    """As if the server gave its own clock as the cursor: a send under way has an older timestamp."""
    story = Story().send("a", 1.0, 2.0).poll(1.5, next_since=stamp(1.5)).poll(3.0)
    assert kinds(cursor(story.history())) == ["passed"]


def test_an_unknown_message_that_another_reader_received_is_passed_like_any_other() -> None:
    def story() -> Story:
        return Story().poll(0.5).send("a", 1.0, status=None).send("b", 1.1).poll(1.5, message("b", 1.1))

    assert cursor(story().history()).verdict is Verdict.PASS
    seen = story().poll(2, message("a", 1.0), message("b", 1.1), consumer="bob#2")
    assert kinds(cursor(seen.history())) == ["passed"]


def test_what_is_older_than_the_cursor_a_consumer_began_with_is_not_passed_by_it() -> None:
    story = Story().send("a", 1.0).send("b", 2.0).poll(3.0, message("b", 2.0), since=stamp(1.0))
    assert cursor(story.history()).verdict is Verdict.PASS


def test_an_answer_that_was_lost_gave_no_cursor() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(1.5, status=None).poll(2.5, message("a", 1.0))
    assert cursor(story.history()).verdict is Verdict.PASS


def test_without_a_message_no_cursor_can_pass_one() -> None:
    assert cursor(Story().poll(0.5).history()).verdict is Verdict.INCONCLUSIVE
