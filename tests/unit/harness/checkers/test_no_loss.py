"""no-loss: what shows that a server lost an acked message, and what does not."""

from __future__ import annotations

from typing import Any

from harness.checkers import no_loss
from harness.verdict import Judgement, Verdict

from .histories import Story, message, stamp


def kinds(judgement: Judgement) -> list[str]:
    return [finding.kind for finding in judgement.findings]


def test_every_acked_message_delivered_is_a_pass() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.5, message("a", 1.0)).poll(4.5).drained(5.0)
    judgement = no_loss(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["expected"] == judgement.evidence["delivered"] == 1


def test_a_cursor_that_passes_a_message_loses_it() -> None:
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1).poll(1.5, message("b", 1.1)).drained(2.0)
    judgement = no_loss(story.history())
    assert kinds(judgement) == ["stored_but_skipped"]
    assert judgement.findings[0].sentence == (
        "Message 'a' from alice to bob was acked at 1.010 s, but bob#1 never received it: the answer at "
        "1.510 s gave bob#1 the cursor 2026-01-01T12:00:01.100000Z, which passes it."
    )
    assert [event["kind"] for event in judgement.findings[0].events] == ["send", "sent", "poll"]


def test_a_cursor_that_passes_a_message_is_a_finding_before_the_mailbox_was_read_to_the_end() -> None:
    story = Story().send("a", 1.0).send("b", 1.1).poll(1.5, message("b", 1.1))
    assert no_loss(story.history()).verdict is Verdict.FAIL


def test_a_cursor_equal_to_the_timestamp_passes_the_message() -> None:
    """`since` is exclusive: of two messages with one timestamp, the one that was not delivered is gone."""
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1).poll(1.5, message("b", 1.0)).poll(4).drained(5.0)
    assert kinds(no_loss(story.history())) == ["stored_but_skipped"]


def test_two_messages_of_one_timestamp_that_both_arrive_are_no_loss() -> None:
    story = Story().send("a", 1.0).send("b", 1.1, timestamp=stamp(1.0))
    story.poll(1.5, message("a", 1.0), message("b", 1.0)).poll(4).drained(5.0)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_cursors_are_compared_as_timestamps() -> None:
    """As text, '12:00:01Z' is after '12:00:01.5Z', and '13:00:00+01:00' is after both."""
    story = (
        Story()
        .send("a", 1.0, timestamp="2026-01-01T12:00:01.500000Z")
        .poll(2.0, next_since="2026-01-01T12:00:01Z")
    )
    story.poll(2.2, next_since="2026-01-01T13:00:01.4+01:00").poll(2.4, message("a", 1.5)).poll(4).drained(5)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_a_message_that_no_reader_ever_had_is_not_stored() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.5).poll(4.5).drained(5.0)
    judgement = no_loss(story.history())
    assert kinds(judgement) == ["not_stored"]
    assert "no one received it" in judgement.reason


def test_a_message_another_reader_had_was_never_served_to_this_one() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.5).poll(4.5)
    story.poll(4.6, message("a", 1.0), consumer="bob#2").poll(4.7, consumer="bob#2").drained(5.0)
    assert kinds(no_loss(story.history())) == ["never_served"]


def test_a_fresh_consumer_shows_whether_a_skipped_message_was_stored() -> None:
    def story() -> Story:
        return Story().poll(0.5).send("a", 1.0).send("b", 1.1).poll(1.5, message("b", 1.1))

    stored = (
        story().poll(4, message("a", 1.0), message("b", 1.1), consumer="bob#2").poll(4.1, consumer="bob#2")
    )
    absent = story().poll(4, message("b", 1.1), consumer="bob#2").poll(4.1, consumer="bob#2")
    assert kinds(no_loss(stored.drained(5).history())) == ["stored_but_skipped"]
    assert set(kinds(no_loss(absent.drained(5).history()))) == {"not_stored"}


def test_a_consumer_that_stopped_early_need_not_receive_more() -> None:
    story = Story().poll(0.5, consumer="bob#1").poll(0.6, consumer="bob#2").send("a", 1.0)
    story.poll(2.5, message("a", 1.0), consumer="bob#2").poll(4.5, consumer="bob#2").drained(5.0)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_a_message_sent_after_a_consumers_end_is_not_passed_by_its_cursor() -> None:
    """Even where a clock that stepped back gave it an older timestamp."""
    story = Story().poll(0.5, next_since=stamp(30)).send("a", 1.0)
    story.poll(2.0, message("a", 1.0), consumer="bob#2").poll(4.5, consumer="bob#2").drained(5)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_a_poll_repeated_after_a_lost_answer_delivers_in_time() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(1.5, status=None).poll(2.5, message("a", 1.0)).poll(4.5)
    assert no_loss(story.drained(5).history()).verdict is Verdict.PASS


def test_unknown_and_refused_messages_need_not_arrive() -> None:
    story = Story().send("a", 1.0).send("b", 1.1, status=None).send("c", 1.2, status=400)
    story.poll(2.0, message("a", 1.0)).poll(4.5).drained(5.0)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_a_retry_that_was_acked_makes_the_message_acked() -> None:
    story = Story().poll(0.1).send("a", 1.0, status=None).send("a", 1.5, replayed=True).poll(2.0).poll(4.5)
    assert kinds(no_loss(story.drained(5.0).history())) == ["not_stored"]


def test_a_consumer_that_begins_with_a_cursor_must_receive_what_is_newer() -> None:
    story = Story().send("a", 1.0).send("b", 2.0)
    story.poll(3.0, message("b", 2.0), since=stamp(1.0)).poll(5.0).drained(6)
    assert no_loss(story.history()).verdict is Verdict.PASS


def test_an_admitted_gap_excuses_only_what_retention_dropped() -> None:
    def story(kept: int) -> Story:
        told = Story(retained_messages=2)
        for index, name in enumerate("abcd"):
            told.send(name, 1.0 + index)
        messages = [message(name, 1.0 + index) for index, name in enumerate("abcd")][-kept:]
        return told.poll(6, *messages, gap=True).poll(8).drained(9)

    assert no_loss(story(kept=2).history()).verdict is Verdict.PASS
    assert kinds(no_loss(story(kept=1).history())) == ["not_stored"]


def test_a_gap_excuses_what_may_have_been_stored_before_it_and_nothing_begun_after_it() -> None:
    story = Story(retained_messages=1).send("slowly acked", 1.0, 3.0).send("b", 1.5)
    story.poll(2, message("b", 1.5), gap=True).poll(4).poll(6)
    assert no_loss(story.drained(7).history()).verdict is Verdict.PASS
    assert kinds(no_loss(story.send("a", 7.0).poll(8).poll(10).drained(11).history())) == ["not_stored"]


def test_a_gap_that_was_not_admitted_is_a_loss() -> None:
    story = Story(retained_messages=1).send("a", 1.0).send("b", 2.0)
    story.poll(4, message("b", 2.0)).poll(6).drained(7)
    assert no_loss(story.history()).verdict is Verdict.FAIL


def test_nothing_is_lost_before_it_is_due() -> None:
    """The mailbox was read to its end, but sooner after the ack than a delivery may take."""
    story = Story().poll(0.5).send("a", 1.0).poll(1.2).drained(1.3)
    judgement = no_loss(story.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "too early" in judgement.reason


def test_a_fault_postpones_when_a_message_is_due() -> None:
    def story(last: float) -> Story:
        told = (
            Story()
            .poll(0.5)
            .send("a", 1.0)
            .fault("redis refused", inject=1.1, active=1.2, heal=4, healed=4.1)
        )
        return told.poll(last).drained(last + 1)

    assert no_loss(story(last=7.9).history()).verdict is Verdict.INCONCLUSIVE
    assert no_loss(story(last=8.2).history()).verdict is Verdict.FAIL


def test_mailboxes_that_were_not_read_to_the_end_prove_nothing() -> None:
    story = Story().send("a", 1.0).poll(2.0, message("a", 1.0))
    assert no_loss(story.history()).verdict is Verdict.INCONCLUSIVE


def test_without_an_acked_message_nothing_is_proved() -> None:
    story = Story().send("a", 1.0, status=503).poll(2.0).drained(3.0)
    assert no_loss(story.history()).verdict is Verdict.INCONCLUSIVE


def test_a_mailbox_that_was_not_polled_is_inconclusive() -> None:
    story = Story().send("a", 1.0).send("b", 1.0, recipient="carol").poll(2.0, message("a", 1.0)).poll(4)
    judgement = no_loss(story.drained(5.0).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "carol" in judgement.reason


def test_a_last_poll_without_an_answer_is_inconclusive() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(4.0, status=503).drained(5)
    judgement = no_loss(story.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "read its mailbox to the end" in judgement.reason


def test_content_alone_identifies_messages_of_a_server_without_ids() -> None:
    """Two messages with one content: two arrivals, whichever is which."""
    bare: dict[str, Any] = {"client_message_id": None, "id": None, "content": "hi"}
    story = Story().send("a", 1.0, **bare).send("b", 1.5, **bare)
    first = message("x", 1.0, content="hi", client_message_id=None)
    second = message("y", 1.5, content="hi", client_message_id=None)
    assert no_loss(story.poll(2, first, second).poll(4).drained(5).history()).verdict is Verdict.PASS


def test_one_arrival_is_not_enough_for_two_messages_of_one_content() -> None:
    bare: dict[str, Any] = {"client_message_id": None, "id": None, "content": "hi"}
    story = Story().send("a", 1.0, **bare).send("b", 1.5, **bare)
    only = message("x", 1.0, content="hi", client_message_id=None)
    assert no_loss(story.poll(2, only).poll(4).drained(5).history()).verdict is Verdict.FAIL
