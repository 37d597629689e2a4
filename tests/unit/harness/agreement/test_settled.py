"""Histories on which the two opinions once differed, and what the promise says of them."""

from __future__ import annotations

import pytest

from harness.checkers import available, cursor, no_duplicate, no_loss
from harness.history import History
from harness.verdict import Verdict
from tests.unit.harness.checkers.histories import Story, message, stamp

from .second_opinions import SECOND_OPINIONS


def verdict_of_both(promise: str, verdict: Verdict, history: History) -> Verdict:
    """The checker's verdict, after the second opinion was seen to allow it."""
    assert verdict in SECOND_OPINIONS[promise](history)
    return verdict


def no_losses(story: Story) -> Verdict:
    history = story.history()
    return verdict_of_both("no-loss", no_loss(history).verdict, history)


def no_duplicates(story: Story) -> Verdict:
    history = story.history()
    return verdict_of_both("no-duplicate", no_duplicate(history).verdict, history)


def availability(story: Story) -> Verdict:
    history = story.history()
    return verdict_of_both("available", available(history).verdict, history)


def test_readers_who_all_left_before_the_message_prove_nothing_of_it() -> None:
    """It was a pass: they were owed nothing, and so nothing was missing."""
    assert no_losses(Story().poll(0.1).send("a", 1.0).drained(5)) is Verdict.INCONCLUSIVE


def test_a_reader_who_left_with_everything_proves_that_nothing_was_lost() -> None:
    story = Story().send("a", 1.0, 3.0).poll(2.0, message("a", 1.0)).drained(5)
    assert no_losses(story) is Verdict.PASS


def test_whatever_a_chain_receives_again_after_it_went_astray_it_may_have_asked_for() -> None:
    """Only the astray poll itself was excused, not the pages that followed from it."""
    one, two = message("a", 1.0), message("b", 1.1)
    story = Story().send("a", 1.0).send("b", 1.1).poll(2, one).poll(2.1, two)
    assert no_duplicates(story.poll(4, one, since=None).poll(4.1, two)) is Verdict.INCONCLUSIVE


def test_a_chain_that_went_astray_asked_for_nothing_twice_in_one_answer() -> None:
    """It was excused, although no cursor explains it."""
    one, two = message("a", 1.0), message("b", 1.1)
    story = Story().send("a", 1.0).send("b", 1.1).poll(2, one).poll(4, two, two, since=None)
    assert no_duplicates(story) is Verdict.FAIL


def test_a_chain_that_went_astray_before_it_received_a_message_is_no_excuse_for_the_second_time() -> None:
    one = message("a", 1.0)
    story = Story().poll(0.5, next_since="2026-01-01T12:00:00Z").send("a", 1.0)
    assert no_duplicates(story.poll(2, one, since=None).poll(4, one)) is Verdict.FAIL


def test_a_late_refusal_on_a_busy_machine_is_a_late_answer_like_any_other() -> None:
    story = Story().poll(1.0).send("a", 4.0, 5.5, status=413).strain(4.5, 5.0)
    assert availability(story) is Verdict.INCONCLUSIVE


def test_a_busy_machine_explains_no_ack_without_a_store() -> None:
    """A 200 in the place of a 503 was excused like a 503 in the place of a 200."""
    story = Story().fault("mongodb refused", inject=1.0, bites=1.1, heal=9.0, healed=9.1)
    assert availability(story.send("a", 4.0).strain(3.5, 5.0)) is Verdict.FAIL


def test_a_history_of_one_send_that_was_cut_off_shows_no_answer() -> None:
    assert availability(Story().begun("a", 1.0)) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("stranger", ["bob#1", "bob#2"])
def test_one_id_is_one_message_also_where_only_a_later_reader_learns_which(stranger: str) -> None:
    """The first to come looked like a phantom, and its reader was said to be passed by the message."""
    bare = {"client_message_id": None}
    story = Story().send("a", 1.0, status=None, **bare)
    for at, chain in ((2.0, "bob#1"), (2.1, "bob#2")):
        sender = "mallory" if chain == stranger else "alice"
        story.poll(at, message("a", 1.0, sender=sender, **bare), chain=chain)
    history = story.send("b", 1.5).history()
    assert verdict_of_both("cursor", cursor(history).verdict, history) is not Verdict.FAIL


def test_a_message_of_two_timestamps_is_owed_to_a_later_reader_by_the_one_told_first() -> None:
    """Another reader was told a later time, by which it would have been; that alone proves no loss."""
    first, other = message("a", 1.0), message("a", 3.0)
    story = Story().send("a", 1.0).poll(2, first).poll(2, other, chain="bob#2")
    story.poll(3, chain="bob#3", since=stamp(2.0)).poll(6, chain="bob#3")
    assert no_losses(story.drained(7)) is not Verdict.FAIL


def test_a_cursor_that_nobody_handed_out_leads_astray_like_one_that_was_not_handed_on() -> None:
    """It was a duplicate: a chain that had been given none could not go astray."""
    story = Story().send("a", 1.0).poll(2, message("a", 1.0), next_since=None)
    assert no_duplicates(story.poll(4, message("a", 1.0), since=stamp(0.5))) is Verdict.INCONCLUSIVE


def test_a_gap_told_to_a_chain_that_has_no_cursor_yet_excuses_what_retention_dropped() -> None:
    """The second opinion let only the very first answer tell it, and that came from an empty mailbox."""
    story = Story(retained_messages=1).poll(0).send("a", 1.0).send("b", 1.5)
    story.poll(2, message("b", 1.5), gap=True).poll(4).drained(6)
    assert no_losses(story) is Verdict.PASS
