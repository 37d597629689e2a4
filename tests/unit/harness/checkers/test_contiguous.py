"""contiguous: the seqs that a consumer receives have no hole."""

from __future__ import annotations

from typing import Any

from harness.checkers import contiguous
from harness.verdict import Verdict

from .histories import Story, message
from .test_no_loss import kinds


def read(*seqs: int | None, **poll: Any) -> Story:
    """Messages with these seqs, read in two polls, the second of which is as told."""
    story = Story()
    messages = []
    for place, seq in enumerate(seqs):
        story.send(str(place), 1.0 + place)
        messages.append(message(str(place), 1.0 + place, seq=seq))
    return story.poll(20.0, *messages[:2]).poll(22.0, *messages[2:], **poll)


def test_seqs_without_a_hole_pass() -> None:
    judgement = contiguous(read(7, 8, 9).history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence == {"numbered": 3, "consumers": 1}


def test_a_hole_is_reported_with_both_its_sides() -> None:
    judgement = contiguous(read(7, 8, 10).history())
    assert kinds(judgement) == ["hole"]
    assert judgement.reason == "bob#1 received message 'id-2' with seq 10 at 22.010 s, right after seq 8."


def test_a_hole_that_the_answer_admits_is_retentions() -> None:
    assert contiguous(read(7, 8, 10, gap=True).history()).verdict is Verdict.PASS


def test_a_server_that_does_not_number_its_messages_cannot_be_judged() -> None:
    assert contiguous(read(None, None).history()).verdict is Verdict.INCONCLUSIVE
