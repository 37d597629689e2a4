"""What became of each message."""

from __future__ import annotations

from harness.checkers import no_duplicate, no_loss, on_time
from harness.checkers.fates import fates
from harness.verdict import Verdict

from .histories import Story, message


def fates_in(story: Story) -> str:
    history = story.history()
    judgements = [checker(history) for checker in (no_loss, no_duplicate, on_time)]
    return "".join(one.fate for one in fates(history, judgements))


def test_a_message_that_arrived_is_delivered() -> None:
    story = Story().poll(0.0).send("a", 1.0).poll(2.0, message("a", 1.0))
    assert fates_in(story) == "d"
    (one,) = fates(story.history(), [])
    assert one.arrived_ns is not None
    assert one.arrived_ns > one.sent_ns


def test_what_no_one_has_sent_has_no_fate() -> None:
    assert fates_in(Story().poll(0.0).send("a", 1.0).poll(2.0, message("a", 1.0), message("b", 1.1))) == "d"


def test_what_no_reader_asks_for_is_not_lost() -> None:
    assert fates_in(Story().send("a", 1.0)) == "n"


def test_a_message_that_its_reader_never_gets_is_lost() -> None:
    assert (
        fates_in(Story().poll(0.0).send("a", 1.0).send("b", 1.1).poll(2.0, message("b", 1.1)).poll(9.0))
        == "xd"
    )


def test_a_message_that_one_of_two_readers_never_gets_is_lost() -> None:
    story = Story().poll(0.0).poll(0.0, consumer="bob#2").send("a", 1.0).send("b", 1.1)
    story.poll(2.0, message("a", 1.0), message("b", 1.1)).poll(9.0)
    story.poll(2.0, message("b", 1.1), consumer="bob#2").poll(9.0, consumer="bob#2")
    assert no_loss(story.history()).verdict is Verdict.FAIL
    assert fates_in(story) == "xd"


def test_a_message_that_is_too_late_is_late_only_where_that_breaks_the_promise() -> None:
    story = Story().poll(0.0).send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0))
    assert fates_in(story) == "l"
    assert "".join(one.fate for one in fates(story.history(), [])) == "d"


def test_a_message_that_comes_twice_is_doubled() -> None:
    story = Story().poll(0.0).send("a", 1.0).poll(2.0, message("a", 1.0)).poll(4.0, message("a", 1.0))
    assert fates_in(story) == "2"


def test_a_send_without_success_is_refused_or_unknown_and_may_have_arrived() -> None:
    story = Story().poll(0.0).send("a", 1.0, outcome="refused", status=400).send("b", 1.1, outcome="unknown")
    story.send("c", 1.2, outcome="unknown").poll(2.0, message("c", 1.2))
    assert fates_in(story) == "ruc"
