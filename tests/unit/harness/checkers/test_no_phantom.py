"""no-phantom: every way in which something arrives that was not sent like that."""

from __future__ import annotations

from harness.checkers import no_phantom
from harness.verdict import Verdict

from .histories import Story, message
from .test_no_loss import kinds


def test_what_was_sent_and_arrives_unchanged_passes() -> None:
    text = "naïve ✉ \u202e<b>"
    story = Story().send("a", 1.0, content=text).poll(2, message("a", 1.0, content=text))
    assert no_phantom(story.history()).verdict is Verdict.PASS


def test_a_message_that_was_never_sent_is_a_phantom() -> None:
    judgement = no_phantom(Story().poll(2, message("a", 1.0)).history())
    assert kinds(judgement) == ["phantom"]
    assert judgement.reason == (
        "bob#1 received 'content a' (id id-a, from alice) in the mailbox of bob at 2.010 s, "
        "but it was never sent."
    )


def test_a_message_that_arrives_before_it_is_sent_is_a_phantom() -> None:
    story = Story().poll(2, message("a", 1.0)).send("a", 3.0)
    assert kinds(no_phantom(story.history())) == ["phantom"]


def test_a_message_may_arrive_before_its_ack() -> None:
    story = Story().poll(1, message("a", 1.0), end=1.5).send("a", 1.2, 2.0)
    assert no_phantom(story.history()).verdict is Verdict.PASS


def test_a_refused_message_must_never_arrive() -> None:
    for refusal in ({"status": 400}, {"status": 503, "outcome": "refused"}):
        story = Story().send("a", 1.0, **refusal).poll(2, message("a", 1.0))
        judgement = no_phantom(story.history())
        assert kinds(judgement) == ["refused_but_delivered"]
        assert f"status {refusal['status']}" in judgement.reason


def test_an_unknown_message_may_arrive() -> None:
    for status in (None, 503):
        story = Story().send("a", 1.0, status=status).poll(2, message("a", 1.0))
        assert no_phantom(story.history()).verdict is Verdict.PASS


def test_a_send_whose_answer_was_never_recorded_may_arrive() -> None:
    story = Story().begun("a", 1.0).poll(2, message("a", 1.0))
    assert no_phantom(story.history()).verdict is Verdict.PASS


def test_a_message_refused_once_and_accepted_on_retry_may_arrive() -> None:
    story = Story().send("a", 1.0, status=503, outcome="refused").send("a", 1.5).poll(2, message("a", 1.0))
    assert no_phantom(story.history()).verdict is Verdict.PASS


def test_a_second_content_under_a_used_id_must_not_replace_the_first() -> None:
    story = Story().send("a", 1.0).send("a", 1.5, content="other", status=400)
    story.poll(2, message("a", 1.0, content="other"))
    assert "changed_content" in kinds(no_phantom(story.history()))


def test_changed_content_is_a_finding() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0, content="content a "))
    judgement = no_phantom(story.history())
    assert kinds(judgement) == ["changed_content"]
    assert "but alice had sent 'content a'" in judgement.reason


def test_a_wrong_sender_is_a_finding() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0, sender="mallory"))
    assert kinds(no_phantom(story.history())) == ["wrong_sender"]


def test_a_message_in_another_mailbox_is_a_finding() -> None:
    for addressed in ("bob", "carol"):
        story = Story().send("a", 1.0).poll(2, message("a", 1.0, recipient=addressed), consumer="carol#1")
        assert kinds(no_phantom(story.history())) == ["foreign_mailbox"]


def test_a_message_addressed_to_another_user_is_a_finding_in_the_right_mailbox_too() -> None:
    story = Story().send("a", 1.0).poll(2, message("a", 1.0, recipient="carol"))
    assert kinds(no_phantom(story.history())) == ["foreign_mailbox"]


def test_one_phantom_seen_by_many_polls_is_one_finding() -> None:
    story = Story().poll(2, message("a", 1.0)).poll(4, message("a", 1.0))
    assert kinds(no_phantom(story.history())) == ["phantom"]


def test_messages_without_ids_are_distinguished_by_content() -> None:
    bare = {"client_message_id": None}
    story = Story().send("a", 1.0, id=None, **bare).poll(2, message("a", 1.0, **bare))
    assert no_phantom(story.history()).verdict is Verdict.PASS


def test_nothing_delivered_proves_nothing() -> None:
    assert no_phantom(Story().send("a", 1.0).poll(2).history()).verdict is Verdict.INCONCLUSIVE


def test_a_message_that_does_not_say_who_sent_it_has_no_wrong_sender() -> None:
    """It is matched by its id, by the sender's own id, or by its content."""
    unsigned = {"sender": "", "seq": None}
    by_own_id = Story().send("a", 1.0, id=None).poll(2.0, message("a", 1.0, **unsigned))
    by_content = Story().send("b", 1.0, id=None, client_message_id=None)
    by_content.poll(2.0, message("b", 1.0, **unsigned, client_message_id=None))
    for story in (Story().send("a", 1.0).poll(2.0, message("a", 1.0, **unsigned)), by_own_id, by_content):
        assert no_phantom(story.history()).verdict is Verdict.PASS
    phantom = Story().send("a", 1.0).poll(2.0, message("never", 1.0, **unsigned))
    assert "from a sender who is not named) in" in no_phantom(phantom.history()).reason
