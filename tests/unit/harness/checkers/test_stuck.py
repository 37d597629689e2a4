"""no-loss: a consumer that is answered 200 and empty for ever, while another of its mailbox receives."""

from __future__ import annotations

from harness.checkers import no_loss
from harness.verdict import Judgement

from .histories import Story, message


def mailbox(seen: float = 2.0) -> Story:
    """Bob reads in two browsers; the second has the message at `seen`."""
    return Story().poll(0.5).send("a", 1.0).poll(seen, message("a", 1.0), consumer="bob#2")


def judged(story: Story, *polls: float) -> Judgement:
    for at in polls:
        story.poll(at)
    return no_loss(story.history())


def kinds(story: Story, *polls: float) -> list[str]:
    return [finding.kind for finding in judged(story, *polls).findings]


def test_a_consumer_that_gets_nothing_while_another_does_is_stuck_without_a_drained_run() -> None:
    (finding,) = judged(mailbox(), 3.5, 5.5, 7.5).findings
    assert finding.kind == "stuck"
    assert finding.sentence == (
        "bob#1 was answered 200 and empty 3 times from 3.510 s to 7.510 s, although message 'a' from alice "
        "to bob had reached bob#2 at 2.010 s."
    )
    assert [event["kind"] for event in finding.events] == ["send", "sent", "poll", "poll", "poll"]


def test_a_fresh_reader_who_receives_it_shows_it_as_well() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.0).poll(3.0, message("a", 1.0), consumer="bob#2")
    assert kinds(story, 4, 6, 8) == ["stuck"]


def test_it_is_reported_once_for_a_consumer() -> None:
    story = mailbox().send("b", 2.5).poll(3.0, message("b", 2.5), consumer="bob#2")
    assert kinds(story, 3.5, 5.5, 7.5) == ["stuck"]


def test_fewer_than_three_empty_answers_or_three_at_one_moment_are_an_unlucky_moment() -> None:
    assert kinds(mailbox(), 3.5, 7.5) == []
    assert kinds(mailbox(), 3.5, 3.6, 3.7) == []


def test_answers_from_before_it_was_due_or_received_elsewhere_do_not_count() -> None:
    assert kinds(mailbox(), 1.5, 2.9, 3.5, 5.5) == []
    assert kinds(mailbox(seen=6.0), 3.5, 5.5, 7.5, 9.5) == []
    assert kinds(mailbox(seen=6.0), 7.5, 9.5, 11.5) == ["stuck"]


def test_a_poll_without_an_answer_is_not_an_empty_answer() -> None:
    story = mailbox().poll(3.5, status=None).poll(5.5, status=503)
    assert kinds(story, 7.5, 9.5) == []


def test_a_fault_or_a_busy_machine_postpones_when_it_had_to_be_there() -> None:
    assert kinds(mailbox().fault("redis refused", inject=2.5, active=2.6, heal=6, healed=6.1), 4, 6, 8) == []
    assert kinds(mailbox().pressure(2.5, 6.0), 4, 6, 8) == []
    assert kinds(mailbox().pressure(2.5, 6.0), 9, 11, 13) == ["stuck"]


def test_a_busy_machine_explains_no_more_after_quick_answers_in_ten_seconds() -> None:
    polls = [3.5 + number for number in range(10)]
    assert kinds(mailbox().pressure(2.5, 60.0), *polls) == []
    assert kinds(mailbox().pressure(2.5, 60.0), *polls, 13.5, 14.5, 15.5) == ["stuck"]


def test_a_consumer_that_still_gets_something_is_not_stuck() -> None:
    """What it misses is reported separately: the cursor has passed it."""
    story = mailbox().poll(3.5).poll(5.5).poll(7.5).send("b", 8.0)
    story.poll(9.0, message("b", 8.0)).poll(9.1, message("b", 8.0), consumer="bob#2")
    assert kinds(story) == ["stored_but_skipped"]


def test_a_consumer_whose_cursor_is_past_the_message_is_not_stuck_on_it() -> None:
    story = Story().poll(0.5, next_since=message("later", 5.0)["timestamp"]).send("a", 1.0)
    assert kinds(story.poll(2.0, message("a", 1.0), consumer="bob#2"), 3.5, 5.5, 7.5) == [
        "stored_but_skipped"
    ]
    began_later = Story().send("a", 1.0).poll(2.0, message("a", 1.0), consumer="bob#2")
    began_later.poll(3.5, since=message("later", 5.0)["timestamp"])
    assert kinds(began_later, 5.5, 7.5, 9.5) == []


def test_what_no_one_received_makes_no_consumer_stuck() -> None:
    """It is unseen, or lost; `on-time` reports that it did not come."""
    assert kinds(Story().poll(0.5).send("a", 1.0), 3.5, 5.5, 7.5, 9.5) == []
