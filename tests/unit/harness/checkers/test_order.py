"""order: which arrivals contradict the order of the acks, or each other."""

from __future__ import annotations

from harness.checkers import order
from harness.verdict import Verdict

from .histories import Story, message
from .test_no_loss import kinds


def test_messages_in_the_order_of_their_acks_pass() -> None:
    story = Story().send("a", 1.0).send("b", 2.0).poll(1.5, message("a", 1.0)).poll(3, message("b", 2.0))
    judgement = order(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["compared"] == 1


def test_a_message_overtaken_by_one_begun_after_its_ack_is_a_finding() -> None:
    story = Story().send("a", 1.0).send("b", 2.0).poll(3, message("b", 1.0), message("a", 2.0))
    judgement = order(story.history())
    assert kinds(judgement) == ["out_of_order"]
    assert judgement.reason == (
        "bob#1 received message 'b' from alice to bob, begun at 2.000 s, before message 'a' from alice to "
        "bob, which had been acked at 1.010 s (likely: clock)."
    )


def test_messages_under_way_at_once_may_arrive_either_way() -> None:
    """b was acked after a, but begun before a's ack."""
    story = Story().send("a", 1.0, 1.5).send("b", 1.4, 1.6).poll(3, message("b", 1.0), message("a", 2.0))
    assert order(story.history()).verdict is Verdict.PASS


def test_a_retry_counts_from_its_first_attempt() -> None:
    story = Story().send("b", 0.5, status=None).send("a", 1.0).send("b", 2.0)
    story.poll(3, message("b", 0.5), message("a", 1.0))
    assert order(story.history()).verdict is Verdict.PASS


def test_different_senders_have_no_order_between_them() -> None:
    story = Story().send("a", 1.0).send("c", 2.0, sender="carol")
    story.poll(3, message("c", 1.0, sender="carol"), message("a", 2.0))
    assert order(story.history()).verdict is Verdict.PASS


def test_an_unknown_message_may_arrive_at_any_time() -> None:
    story = Story().send("a", 1.0, status=None).send("b", 2.0).poll(3, message("b", 1.0), message("a", 2.0))
    assert order(story.history()).verdict is Verdict.PASS


def test_a_seq_that_falls_or_stays_is_a_finding() -> None:
    for second in (4, 5):
        story = Story().poll(1, message("a", 1.0, seq=5), message("b", 2.0, seq=second))
        assert kinds(order(story.history())) == ["seq_not_rising"]


def test_a_timestamp_that_falls_or_stays_is_a_finding() -> None:
    """A cursor is a timestamp, so two messages with one timestamp cannot be paged between."""
    for second in (0.5, 1.0):
        story = Story().poll(1, message("a", 1.0)).poll(3, message("b", second))
        judgement = order(story.history())
        assert kinds(judgement) == ["timestamp_not_rising"]


def test_timestamps_are_compared_as_times() -> None:
    first = message("a", 0, timestamp="2026-01-01T12:00:01Z")
    story = Story().poll(1, first, message("b", 0, timestamp="2026-01-01T12:00:01.000001Z"))
    assert order(story.history()).verdict is Verdict.PASS


def test_a_message_delivered_again_is_not_out_of_order() -> None:
    """That is no-duplicate's finding, and one is enough."""
    story = Story().send("a", 1.0).send("b", 2.0)
    story.poll(3, message("a", 1.0), message("b", 2.0)).poll(5, message("a", 1.0))
    assert order(story.history()).verdict is Verdict.PASS


def test_two_readers_who_see_different_orders_are_a_finding() -> None:
    free = {"timestamp": ""}
    story = Story().send("a", 1.0, 1.2).send("b", 1.0, 1.2, sender="carol")
    story.poll(3, message("a", 1, **free), message("b", 1, sender="carol", **free))
    story.poll(3, message("b", 1, sender="carol", **free), message("a", 1, **free), consumer="bob#2")
    judgement = order(story.history())
    assert kinds(judgement) == ["readers_disagree"]
    assert "the other way round" in judgement.reason


def test_readers_who_share_only_some_messages_may_agree() -> None:
    story = Story().poll(3, message("a", 1), message("b", 2), message("c", 3))
    story.poll(3, message("b", 2), message("x", 2.5), message("c", 3), consumer="bob#2")
    assert order(story.history()).verdict is Verdict.PASS


def test_one_message_shows_no_order() -> None:
    story = Story().send("a", 1.0).poll(3, message("a", 1.0))
    assert order(story.history()).verdict is Verdict.INCONCLUSIVE
