"""Servers with few fields: no timestamp, no `client_message_id`, a cursor that is not a time."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import no_duplicate, no_loss, no_phantom
from harness.verdict import Verdict

from .histories import Story, message

WITHOUT_TIME: dict[str, Any] = {"timestamp": None}


def kinds(story: Story) -> list[str]:
    return [finding.kind for finding in no_loss(story.history()).findings]


def test_a_message_of_unknown_time_is_not_passed_by_a_cursor_but_missed_at_the_end() -> None:
    story = Story().poll(0.0).send("a", 1.0, **WITHOUT_TIME).send("b", 2.0).poll(3.0, message("b", 2.0))
    story.poll(6.0).poll(9.0).drained(10.0)
    assert kinds(story) == ["not_stored"]


@pytest.mark.parametrize(("sent_at", "expected"), [(1.0, []), (3.0, ["not_stored"])])
def test_a_consumer_that_begins_with_no_time_must_receive_what_was_sent_after_its_first_poll(
    sent_at: float, expected: list[str]
) -> None:
    story = Story().send("a", sent_at) if sent_at < 2.0 else Story()
    story.poll(2.0, since="page 7", next_since="page 7")
    if sent_at > 2.0:
        story.send("a", sent_at)
    story.poll(6.0, next_since="page 7").poll(9.0, next_since="page 7").drained(10.0)
    assert kinds(story) == expected


def test_a_message_without_any_id_that_the_sender_knows_is_found_by_its_content() -> None:
    story = Story().poll(0.0).send("a", 1.0, status=None)
    story.poll(2.0, message("a", 1.0, client_message_id=None)).drained(3.0)
    judgement = no_phantom(story.history())
    assert judgement.verdict is Verdict.PASS, judgement.reason


def test_an_arrival_without_any_id_is_not_a_message_that_arrived_under_its_own() -> None:
    story = Story().send("a", 1.0, status=None).send("b", 1.5, status=None, content="content a")
    story.poll(2.0, message("a", 1.0), message("b", 1.5, content="content a", client_message_id=None))
    assert no_duplicate(story.history()).findings == ()


def test_a_message_that_may_be_on_the_next_page_is_not_lost_yet() -> None:
    story = Story().poll(0.0).send("a", 1.0).send("b", 1.5).poll(9.0, has_more=True).drained(10.0)
    judgement = no_loss(story.history())
    assert judgement.findings == ()
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_of_two_messages_with_one_id_each_arrival_is_the_one_whose_content_it_has() -> None:
    story = Story().poll(0.0).send("a", 1.0).send("b", 1.5, id="id-a")
    story.poll(2.0, message("a", 1.0), message("b", 1.5, id="id-a")).poll(5.0).poll(8.0).drained(9.0)
    assert no_loss(story.history()).verdict is Verdict.PASS
    assert [found.kind for found in no_duplicate(story.history()).findings] == ["delivered_twice"]


def test_of_two_messages_with_one_id_an_arrival_with_neither_content_is_the_first_one_changed() -> None:
    story = Story().send("a", 1.0).send("b", 1.5, id="id-a").poll(2.0, message("a", 1.0, content="changed"))
    assert [found.kind for found in no_phantom(story.history()).findings] == ["changed_content"]


def test_a_consumer_that_was_never_answered_does_not_prove_a_loss() -> None:
    story = (
        Story().send("a", 1.0).poll(2.0, message("a", 1.0)).poll(5.0).poll(6.0, consumer="bob#2", status=None)
    )
    judgement = no_loss(story.drained(9.0).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert (
        "bob#2 is missing message 'a' from alice to bob, but did not read its mailbox to the end"
        in judgement.reason
    )


def test_messages_without_an_id_and_phantoms_have_no_ids_that_differ() -> None:
    """Another message has two ids, so all are looked at again."""
    story = Story().send("a", 1.0).send("a", 2.0, id="id-other").send("b", 3.0, status=None)
    story.poll(4.0, message("phantom", 3.5))
    assert [found.kind for found in no_duplicate(story.history()).findings] == ["two_ids"]
