"""no-duplicate: what is one message twice, and what only looks like it."""

from __future__ import annotations

from harness.checkers import no_duplicate
from harness.verdict import Verdict

from .histories import Story, message, stamp
from .test_no_loss import kinds


def test_each_message_once_in_each_consumer_is_a_pass() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0)).poll(2, message("a", 1.0), consumer="bob#2")
    assert no_duplicate(story.history()).verdict is Verdict.PASS


def test_a_consumer_that_receives_a_message_again_is_a_finding() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0)).poll(4, message("a", 1.0))
    judgement = no_duplicate(story.history())
    assert kinds(judgement) == ["delivered_twice"]
    assert judgement.reason == (
        "bob#1 received message 'a' from alice to bob (id id-a) at 2.010 s and again at 4.010 s, "
        "with the cursor 2026-01-01T12:00:01.000000Z."
    )


def test_a_message_twice_in_one_answer_is_a_finding() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0), message("a", 1.0))
    assert kinds(no_duplicate(story.history())) == ["delivered_twice"]


def test_a_poll_repeated_after_its_answer_was_lost_is_not_a_duplicate() -> None:
    story = Story().send("a", 1.0).poll(2, status=None).poll(4, message("a", 1.0)).poll(6)
    assert no_duplicate(story.history()).verdict is Verdict.PASS


def test_a_consumer_that_did_not_use_its_cursor_is_the_harnesss_mistake() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0)).poll(4, message("a", 1.0), since=None)
    judgement = no_duplicate(story.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "harness's own mistake" in judgement.reason


def test_a_server_that_gives_no_cursor_is_to_blame() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0), next_since=None).poll(4, message("a", 1.0))
    assert kinds(no_duplicate(story.history())) == ["delivered_twice"]


def test_the_same_cursor_in_another_spelling_was_used() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0))
    story.poll(4, message("a", 1.0), since="2026-01-01T13:00:01+01:00")
    assert kinds(no_duplicate(story.history())) == ["delivered_twice"]


def test_a_retry_stored_twice_is_a_finding() -> None:
    story = Story().send("a", 1.0, status=None).send("a", 1.5)
    story.poll(2, message("a", 1.0), message("a", 1.5, id="id-a2"))
    judgement = no_duplicate(story.history())
    assert kinds(judgement) == ["two_ids"]
    assert "id-a2 at 2.010 s" in judgement.reason


def test_two_readers_who_see_different_ids_are_a_finding() -> None:
    story = Story().send("a", 1.0, id=None).poll(2, message("a", 1.0))
    story.poll(2, message("a", 1.0, id="other"), consumer="bob#2")
    assert kinds(no_duplicate(story.history())) == ["two_ids"]


def test_two_acks_with_different_ids_are_a_finding() -> None:
    story = Story().send("a", 1.0).send("a", 1.5, id="other").poll(2, message("a", 1.0))
    assert kinds(no_duplicate(story.history())) == ["two_ids"]


def test_one_client_message_id_for_two_contents_is_a_finding_if_both_are_stored() -> None:
    story = Story().send("a", 1.0).send("a", 1.5, content="other", id="id-other").poll(2, message("a", 1.0))
    assert kinds(no_duplicate(story.history())) == ["two_ids"]


def test_one_client_message_id_for_two_contents_is_fine_if_the_second_is_refused() -> None:
    story = Story().send("a", 1.0).send("a", 1.5, content="other", status=400).poll(2, message("a", 1.0))
    assert no_duplicate(story.history()).verdict is Verdict.PASS


def test_an_unknown_send_that_appears_once_is_fine() -> None:
    story = Story().send("a", 1.0, status=None).poll(2, message("a", 1.0)).poll(4)
    assert no_duplicate(story.history()).verdict is Verdict.PASS


def test_an_unknown_send_without_a_client_message_id_that_appears_twice_is_a_finding() -> None:
    bare = {"client_message_id": None}
    story = Story().send("a", 1.0, status=None, **bare)
    story.poll(2, message("a", 1.0, **bare), message("a", 1.1, id="again", **bare))
    assert kinds(no_duplicate(story.history())) == ["two_ids"]


def test_two_senders_may_use_the_same_client_message_id() -> None:
    story = Story().send("a", 1.0).send("a", 1.1, sender="carol", id="id-c", content="hers")
    story.poll(2, message("a", 1.0), message("a", 1.1, sender="carol", id="id-c", content="hers"))
    assert no_duplicate(story.history()).verdict is Verdict.PASS


def test_nothing_delivered_proves_nothing() -> None:
    story = Story().send("a", 1.0).poll(2, next_since=stamp(0))
    assert no_duplicate(story.history()).verdict is Verdict.INCONCLUSIVE
