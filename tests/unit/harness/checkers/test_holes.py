"""no-loss without mailboxes read to the end: what is lost, unseen and recovered."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import no_loss
from harness.verdict import Judgement, Verdict

from .histories import Story, message

OPAQUE: dict[str, Any] = {"timestamp": None}
"""A server that tells no times, and whose cursors are none."""


def judged(story: Story) -> Judgement:
    return no_loss(story.history())


def kinds(story: Story) -> list[str]:
    return [finding.kind for finding in judged(story).findings]


def counts(story: Story) -> tuple[object, object, object]:
    evidence = judged(story).evidence
    return evidence["lost"], evidence["unseen"], evidence["recovered"]


def early() -> Story:
    """Bob begins to poll before anything is sent to him."""
    return Story().poll(0.5)


def page(story: Story, at: float, *names: str, **changes: Any) -> Story:
    """An answer with these messages, whose cursor is not a time."""
    received = [message(name, 0.0, **OPAQUE) for name in names]
    return story.poll(at, *received, next_since=f"page {at}", **changes)


def test_a_message_of_the_same_sender_that_was_begun_after_its_ack_makes_a_hole() -> None:
    story = early().send("a", 1.0, **OPAQUE).send("b", 1.1, **OPAQUE)
    (finding,) = judged(page(story, 2.0, "b")).findings
    assert finding.kind == "hole"
    assert finding.sentence == (
        "Message 'a' from alice to bob was acked at 1.010 s, but bob#1 never received it: the answer at "
        "2.010 s brought message 'b' from alice to bob, which is later in the mailbox because it was begun "
        "after that ack."
    )
    assert [event["kind"] for event in finding.events] == ["send", "sent", "send", "sent", "poll"]


def test_the_hole_needs_no_drained_run_and_is_counted_as_lost() -> None:
    assert counts(page(Story().send("a", 1.0, **OPAQUE).send("b", 1.1, **OPAQUE), 2.0, "b")) == (1, 0, 0)


@pytest.mark.parametrize("how", ["concurrent", "of another sender", "unknown", "to another mailbox"])
def test_what_has_no_order_makes_no_hole(how: str) -> None:
    story = Story().send("a", 1.0, 1.2 if how == "concurrent" else None, **OPAQUE)
    changes: dict[str, Any] = {
        "of another sender": {"sender": "carol"},
        "unknown": {"status": None},
        "to another mailbox": {"recipient": "carol"},
    }.get(how, {})
    story.send("b", 1.1, **OPAQUE | changes)
    assert kinds(page(story, 2.0, "b")) == []
    assert judged(story).evidence["unseen"] == 1


@pytest.mark.parametrize(
    ("seqs", "expected"), [((1, 2), ["hole"]), ((2, 1), []), ((1, None), []), (("1", "2"), [])]
)
def test_of_concurrent_messages_the_lower_seq_is_first(seqs: tuple[Any, Any], expected: list[str]) -> None:
    story = early().send("a", 1.0, seq=seqs[0], **OPAQUE).send("b", 1.0, seq=seqs[1], **OPAQUE)
    assert kinds(page(story, 2.0, "b")) == expected


def test_timestamps_show_the_order_if_the_cursor_is_not_a_time() -> None:
    story = early().send("a", 1.0).send("b", 1.005)
    assert kinds(story.poll(2.0, message("b", 1.005), next_since="page 2")) == ["hole"]
    tie = Story().send("a", 1.0).send("b", 1.0, timestamp=message("a", 1.0)["timestamp"])
    assert kinds(tie.poll(2.0, message("b", 1.0), next_since="page 2")) == []


def test_a_consumer_that_began_after_a_message_has_no_hole_there() -> None:
    story = Story().send("a", 1.0, **OPAQUE)
    page(story, 1.5, since="page 1").send("b", 2.0, **OPAQUE)
    assert kinds(page(story, 3.0, "b")) == []


def test_a_message_that_comes_out_of_order_is_not_lost() -> None:
    story = page(Story().send("a", 1.0, **OPAQUE).send("b", 1.1, **OPAQUE), 2.0, "b")
    assert kinds(page(story, 4.0, "a")) == []


def test_a_message_that_could_be_mistaken_for_another_is_not_a_hole() -> None:
    """Two have the same content and no ids: it is unknown which came."""
    bare: dict[str, Any] = {"client_message_id": None, "id": None, "content": "hi", **OPAQUE}
    story = Story().send("a", 1.0, **bare).send("b", 1.1, **bare).send("c", 1.2, **OPAQUE)
    came = [message("x", 0.0, content="hi", client_message_id=None, **OPAQUE), message("c", 0.0, **OPAQUE)]
    assert kinds(story.poll(2.0, *came, next_since="page 2", since="page 1")) == []


def test_a_fresh_consumer_with_the_same_hole_shows_that_the_message_was_never_stored() -> None:
    story = page(Story().send("a", 1.0, **OPAQUE).send("b", 1.1, **OPAQUE), 2.0, "b")
    assert set(kinds(page(story, 3.0, "b", consumer="bob#2"))) == {"not_stored"}


def test_what_no_one_received_nor_anything_later_is_unseen() -> None:
    story = Story().send("a", 1.0, **OPAQUE).send("b", 1.1, **OPAQUE)
    judgement = judged(page(story, 2.0, "a"))
    assert counts(story) == (0, 1, 0)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == (
        "the mailboxes were not read to the end after the last send: 1 of 2 acked messages had reached "
        "no one, and can still come"
    )


def test_what_only_another_reader_has_is_neither_lost_nor_unseen() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.0, message("a", 1.0), consumer="bob#2").poll(2.1)
    assert counts(story) == (0, 0, 0)
    assert "(1 of 2 deliveries)" in judged(story).reason


def test_a_message_of_unknown_outcome_that_arrived_was_recovered() -> None:
    story = Story().send("a", 1.0, status=None).send("b", 1.1, status=None).poll(2.0, message("a", 1.0))
    assert counts(story) == (0, 0, 1)
