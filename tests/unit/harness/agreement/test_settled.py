"""Histories on which checker and oracle once differed, and what the promise says about them."""

from __future__ import annotations

from functools import partial

import pytest

from harness.checkers import CHECKERS
from harness.verdict import Verdict
from tests.unit.harness.checkers.histories import Story, message, stamp

from .oracles import ORACLES


def verdict_of_both(promise: str, story: Story) -> Verdict:
    """The checker's verdict, after the oracle was seen to allow it."""
    history = story.history()
    verdict = CHECKERS[promise](history).verdict
    assert verdict in ORACLES[promise](history)
    return verdict


no_losses = partial(verdict_of_both, "no-loss")
cursors = partial(verdict_of_both, "cursor")
no_duplicates = partial(verdict_of_both, "no-duplicate")
availability = partial(verdict_of_both, "available")
punctuality = partial(verdict_of_both, "on-time")
recovery = partial(verdict_of_both, "recovers")


def outage_with_a_message(*, active: float | None = 0.1) -> Story:
    """The server must have recovered by 3.0; Bob, who has polled before, polls next at 4.0."""
    story = Story().poll(0.0).fault("redis refused", inject=0.05, active=active, heal=0.9, healed=1.0)
    return story.send("a", 0.5).poll(2.0).poll(4.0)


def five_in_time(story: Story, begin: float) -> Story:
    for number in range(5):
        at = begin + 2 * number
        story.send(f"later {number}", at).poll(at + 1, message(f"later {number}", at))
    return story


def test_readers_who_all_left_before_the_message_leave_it_undecided() -> None:
    """It was a pass: no consumer had to receive it, and so nothing was missing."""
    assert no_losses(Story().poll(0.1).send("a", 1.0).drained(5)) is Verdict.INCONCLUSIVE


def test_a_reader_who_left_with_everything_proves_that_nothing_was_lost() -> None:
    story = Story().send("a", 1.0, 3.0).poll(2.0, message("a", 1.0)).drained(5)
    assert no_losses(story) is Verdict.PASS


def test_what_a_consumer_receives_again_after_it_strayed_it_may_have_asked_for() -> None:
    """Only the poll that strayed was excused, not the pages that followed it."""
    one, two = message("a", 1.0), message("b", 1.1)
    story = Story().send("a", 1.0).send("b", 1.1).poll(2, one).poll(2.1, two)
    assert no_duplicates(story.poll(4, one, since=None).poll(4.1, two)) is Verdict.INCONCLUSIVE


def test_a_consumer_that_strayed_did_not_ask_for_a_message_twice_in_one_answer() -> None:
    """It was excused, although no cursor explains it."""
    one, two = message("a", 1.0), message("b", 1.1)
    story = Story().send("a", 1.0).send("b", 1.1).poll(2, one).poll(4, two, two, since=None)
    assert no_duplicates(story) is Verdict.FAIL


def test_straying_before_the_first_arrival_does_not_excuse_the_second() -> None:
    one = message("a", 1.0)
    story = Story().poll(0.5, next_since="2026-01-01T12:00:00Z").send("a", 1.0)
    assert no_duplicates(story.poll(2, one, since=None).poll(4, one)) is Verdict.FAIL


def test_a_late_refusal_on_a_busy_machine_is_a_late_answer_like_any_other() -> None:
    story = Story().poll(1.0).send("a", 4.0, 5.5, status=413).pressure(4.5, 5.0)
    assert availability(story) is Verdict.INCONCLUSIVE


def test_a_busy_machine_does_not_explain_an_ack_without_a_store() -> None:
    """A 200 in the place of a 503 was excused like a 503 in the place of a 200."""
    story = Story().fault("mongodb refused", inject=1.0, active=1.1, heal=9.0, healed=9.1)
    assert availability(story.send("a", 4.0).pressure(3.5, 5.0)) is Verdict.FAIL


def test_a_history_of_one_send_that_was_cut_off_shows_no_answer() -> None:
    assert availability(Story().begun("a", 1.0)) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("stranger", ["bob#1", "bob#2"])
def test_one_id_is_one_message_even_if_only_a_later_reader_learns_which(stranger: str) -> None:
    """The first to come looked like a phantom, and its reader's cursor to have passed the message."""
    bare = {"client_message_id": None}
    story = Story().send("a", 1.0, status=None, **bare)
    for at, consumer in ((2.0, "bob#1"), (2.1, "bob#2")):
        sender = "mallory" if consumer == stranger else "alice"
        story.poll(at, message("a", 1.0, sender=sender, **bare), consumer=consumer)
    assert cursors(story.send("b", 1.5)) is not Verdict.FAIL


def test_of_two_timestamps_of_a_message_the_first_one_counts_for_a_later_reader() -> None:
    """Another reader got a later time, by which it would have to arrive; that alone does not prove a loss."""
    first, other = message("a", 1.0), message("a", 3.0)
    story = Story().send("a", 1.0).poll(2, first).poll(2, other, consumer="bob#2")
    story.poll(3, consumer="bob#3", since=stamp(2.0)).poll(6, consumer="bob#3")
    assert no_losses(story.drained(7)) is not Verdict.FAIL


def test_a_cursor_that_was_never_given_counts_as_straying_like_one_that_was_not_used() -> None:
    """It was a duplicate: a consumer that had been given none could not stray."""
    story = Story().send("a", 1.0).poll(2, message("a", 1.0), next_since=None)
    assert no_duplicates(story.poll(4, message("a", 1.0), since=stamp(0.5))) is Verdict.INCONCLUSIVE


def test_a_gap_reported_to_a_consumer_without_a_cursor_excuses_what_retention_dropped() -> None:
    """The oracle let only the very first answer tell it, and that came from an empty mailbox."""
    story = Story(retained_messages=1).poll(0).send("a", 1.0).send("b", 1.5)
    story.poll(2, message("b", 1.5), gap=True).poll(4).drained(6)
    assert no_losses(story) is Verdict.PASS


def test_a_gap_excuses_what_was_stored_before_it_but_acked_only_later() -> None:
    """A slow ack was taken for proof that the message came after what retention dropped."""
    story = Story(retained_messages=1).send("a", 1.0, 3.0).send("b", 1.5)
    assert no_losses(story.poll(2, message("b", 1.5), gap=True).poll(4).poll(6).drained(7)) is Verdict.PASS


def test_a_message_begun_at_the_ack_of_another_is_newer_and_one_begun_with_the_gap_is_after_it() -> None:
    """The oracle excused both: nothing else had been sent in between for retention to keep."""
    older = Story(retained_messages=1).send("b", 0.5, 1.0).send("a", 1.0)
    assert no_losses(older.poll(2, message("b", 0.5), gap=True).poll(4).drained(6)) is Verdict.FAIL
    newer = Story(retained_messages=1).send("a", 1.0).poll(2, gap=True, end=2.01).send("b", 2.01)
    assert no_losses(newer.poll(4, message("b", 2.01)).drained(6)) is Verdict.FAIL


def test_a_store_that_still_recovers_from_one_fault_is_away_in_the_next() -> None:
    """The oracle let the first fault say that Redis may be there, in the midst of the second."""
    story = Story().fault("redis refused", inject=1.0, active=1.1, heal=1.4, healed=1.5)
    story.fault("redis refused", inject=2.0, active=2.1, heal=4.0, healed=4.1)
    assert availability(story.poll(3.0, degraded=False, source="redis")) is Verdict.FAIL


def test_a_store_without_writes_stays_so_while_another_fault_of_it_begins() -> None:
    """The oracle thought that it may be up, because the second fault was not active yet."""
    story = Story().fault("redis read-only", inject=1.0, active=1.1, heal=None, healed=None)
    story.fault("redis refused", inject=4.0, active=4.1, heal=5.0, healed=5.1)
    assert availability(story.send("a", 3.9, 4.05)) is Verdict.FAIL


def test_a_message_of_an_outage_that_never_took_effect_is_missing_after_the_next_one() -> None:
    """Each quiet period was asked for the messages of its own outage alone."""
    story = outage_with_a_message(active=None)
    story.fault("mongodb slow", inject=5.0, active=5.1, heal=5.9, healed=6.0).poll(9.0).poll(12.0)
    assert recovery(story) is Verdict.FAIL


def test_a_message_that_a_busy_machine_excused_after_one_outage_is_missing_after_the_next() -> None:
    """It was a pass: the last quiet period alone had to be without doubt, and did not look for it."""
    story = outage_with_a_message().pressure(4.0, 5.0).poll(7.0)
    story.fault("mongodb slow", inject=7.5, active=7.6, heal=8.4, healed=8.5).poll(11.0).poll(14.0)
    assert recovery(five_in_time(story, 15.0)) is Verdict.FAIL


def test_a_busy_machine_does_not_explain_what_was_due_before() -> None:
    """It excused whatever was missing at the time, though it had been missing for long."""
    story = outage_with_a_message().poll(6.0).poll(8.0).pressure(9.0, 9.5)
    assert recovery(five_in_time(story, 11.0)) is Verdict.FAIL


def test_a_server_that_answers_no_poll_after_its_recovery_has_not_recovered() -> None:
    """Only polls that were answered could show that a message was missing."""
    story = Story().poll(0.0).fault("server killed", inject=0.05, active=0.1, heal=0.9, healed=1.0)
    story.send("a", 1.5).poll(4.0, status=None).poll(6.0, status=None).poll(8.0, status=None)
    assert recovery(story) is Verdict.FAIL


def test_a_message_is_missing_even_if_its_readers_last_answer_was_a_full_page() -> None:
    """Only the very last answer counted, and so it was thought to be on the next page."""
    story = five_in_time(outage_with_a_message().poll(6.0).poll(8.0), 9.0)
    assert recovery(story.send("b", 19.0).poll(20.0, message("b", 19.0), has_more=True)) is Verdict.FAIL


def test_the_first_answer_after_an_outage_may_not_take_as_long_as_it_likes() -> None:
    """Whatever it brought was in time."""
    story = Story().poll(0.0).fault("redis refused", inject=0.05, active=0.1, heal=0.9, healed=1.0)
    story.send("a", 2.5).poll(4.0, message("a", 2.5), end=7.0)
    assert recovery(five_in_time(story, 8.0)) is Verdict.FAIL


def test_a_poll_that_the_harness_started_late_makes_no_message_of_an_outage_late() -> None:
    """That was not subtracted, as it is from every other delay."""
    story = outage_with_a_message().poll(9.0, message("a", 0.5), intended=6.0)
    assert recovery(five_in_time(story, 10.0)) is Verdict.PASS


def test_a_consumer_with_a_cursor_that_is_not_a_time_must_get_what_was_sent_after_its_first_poll() -> None:
    """The oracle expected everything."""
    story = Story().send("a", 1.0).poll(3.0, message("a", 1.0), since="page 7", next_since="page 8")
    assert punctuality(story) is Verdict.INCONCLUSIVE
