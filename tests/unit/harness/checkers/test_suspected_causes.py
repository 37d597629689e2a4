"""Suspected causes: what probably happened inside, from what was seen outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.checkers import cursor, no_duplicate, no_loss, order
from harness.history import History
from harness.verdict import Judgement

from .histories import Story, message, stamp


def equal_timestamps() -> Story:
    return Story().poll(0.5).send("a", 1.0).send("b", 1.1, timestamp=stamp(1.0)).poll(1.5, message("b", 1.0))


def late_visibility() -> Story:
    """Message a is under way, with an old timestamp, while the cursor passes it."""
    return Story().poll(0.5).send("a", 1.0, 2.0).send("b", 1.1).poll(1.5, message("b", 1.1))


def clock() -> Story:
    """The clock steps back half a second between two messages."""
    story = Story().poll(0.5).send("a", 1.0).poll(1.1, message("a", 1.0))
    return story.send("b", 1.2, timestamp=stamp(0.7)).send("c", 1.3).poll(1.5, message("c", 1.3))


def page_cap() -> Story:
    """The newest two of three, and the oldest is not mentioned."""
    story = Story().poll(0.5).send("a", 1.0).send("b", 1.1).send("c", 1.2)
    return story.poll(2.0, message("b", 1.1), message("c", 1.2))


def lost_push() -> Story:
    story = Story().poll(0.5).send("a", 1.0, queued=False).send("b", 1.2).poll(1.9, message("b", 1.2))
    return story.send("c", 2.0).send("d", 2.1).poll(2.5, message("c", 2.0), message("d", 2.1))


def lost_push_in_a_fault() -> Story:
    story = Story().poll(0.5).fault("redis refused", inject=0.6, active=0.7, heal=1.1, healed=1.2)
    story.send("a", 1.0).send("b", 1.2).poll(1.9, message("b", 1.2))
    return story.send("c", 2.0).send("d", 2.1).poll(2.5, message("c", 2.0), message("d", 2.1))


def stale_copy() -> Story:
    story = Story().send("a", 1.0).fault("redis restored", inject=2, active=2.1, heal=2.2, healed=2.3)
    return story.send("b", 5.0).poll(6.0, message("b", 5.0)).send("c", 7).send("d", 7.1).poll(8, *cd(7))


def trimmed_queue() -> Story:
    story = Story(retained_messages=2).send("a", 1.0).send("b", 1.1).send("c", 1.2)
    return story.poll(2.0, message("b", 1.1), has_more=True).poll(2.1, message("c", 1.2))


def cd(second: float) -> tuple[dict[str, object], dict[str, object]]:
    return message("c", second), message("d", second + 0.1)


@pytest.mark.parametrize(
    ("story", "likely"),
    [
        (equal_timestamps, "equal timestamps"),
        (late_visibility, "late visibility"),
        (clock, "clock"),
        (page_cap, "page cap"),
        (lost_push, "lost push"),
        (lost_push_in_a_fault, "lost push"),
        (stale_copy, "stale copy"),
        (trimmed_queue, "trimmed queue"),
    ],
)
@pytest.mark.parametrize("checker", [no_loss, cursor])
def test_a_skipped_message_has_the_probable_cause(
    checker: Callable[[History], Judgement], story: Callable[[], Story], likely: str
) -> None:
    judgement = checker(story().drained(9).history())
    assert [finding.suspected_cause for finding in judgement.findings] == [likely]
    assert f"(likely: {likely})." in judgement.reason


def test_one_message_with_two_ids_was_written_twice() -> None:
    story = Story().send("a", 1.0).poll(2.0, message("a", 1.0), message("a", 1.0, id="other"))
    assert {finding.suspected_cause for finding in no_duplicate(story.history()).findings} == {"double write"}


def test_timestamps_that_do_not_rise_point_to_the_clock() -> None:
    story = Story().send("a", 1.0).send("b", 1.1)
    fallen = story.poll(2.0, message("a", 1.0), message("b", 0.9)).history()
    assert [finding.suspected_cause for finding in order(fallen).findings] == ["clock"]


def test_nothing_is_guessed_where_nothing_points_to_anything() -> None:
    story = Story().poll(0.5).send("a", 1.0).poll(2.5).poll(4.5).drained(5.0)
    (found,) = no_loss(story.history()).findings
    assert found.suspected_cause == ""
