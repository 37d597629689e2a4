"""stops-cleanly: what was accepted before SIGTERM is answered, and no request hangs."""

from __future__ import annotations

import pytest

from harness.checkers import stops_cleanly
from harness.verdict import Verdict

from .histories import Story
from .test_no_loss import kinds


def stopped_at_ten(*, under_way: int = 3) -> Story:
    """SIGTERM at 10.0 s, ended at 11.0 s; so many sends were under way and were answered."""
    story = Story()
    for number in range(under_way):
        story.send(f"under way {number}", 9.8, 10.2, status=503)
    return story.fault("server stopped", inject=10.0, active=11.0, heal=12.0, healed=13.0)


def test_a_server_that_answers_what_it_accepted_and_refuses_the_rest_stops_cleanly() -> None:
    story = stopped_at_ten().send("late", 10.5, 10.501, status=None, error="connection refused")
    judgement = stops_cleanly(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence == {"stops": 1, "under_way": 3}


def test_a_request_that_was_under_way_and_gets_no_answer_was_cut_off() -> None:
    story = stopped_at_ten().send("cut", 9.5, 10.1, status=None, error="connection lost")
    judgement = stops_cleanly(story.history())
    assert kinds(judgement) == ["cut_off"]
    assert judgement.reason == (
        "alice's send at 9.500 s (operation 4) was not answered (connection lost); "
        "the server was sent SIGTERM at 10.000 s."
    )


def test_a_held_poll_that_is_cut_off_counts_like_a_send() -> None:
    story = stopped_at_ten().poll(8.0, end=10.1, status=None, wait=20, error="connection lost")
    assert kinds(stops_cleanly(story.history())) == ["cut_off"]


def test_a_request_that_began_just_before_the_signal_may_be_lost_but_may_not_wait() -> None:
    lost = stopped_at_ten().send("edge", 9.95, 10.05, status=None, error="connection lost")
    assert stops_cleanly(lost.history()).verdict is Verdict.PASS
    waits = stopped_at_ten().send("edge", 10.2, 15.2, status=None, error="timeout")
    assert kinds(stops_cleanly(waits.history())) == ["left_waiting"]


def test_requests_before_and_after_the_stop_are_not_its_business() -> None:
    story = stopped_at_ten().send("before", 8.0, 9.9, status=None, error="connection lost")
    story.send("after", 11.5, 16.5, status=None, error="timeout")
    assert stops_cleanly(story.history()).verdict is Verdict.PASS


def test_a_server_that_does_not_end_by_itself_is_a_finding_but_on_a_busy_machine() -> None:
    story = stopped_at_ten().gave_up("stop", 10.0, 20.0).gave_up("traffic", 21.0, 30.0)
    assert stops_cleanly(story.history()).reason == (
        "The server was sent SIGTERM at 10.000 s and had to be killed at 20.000 s."
    )
    assert kinds(stops_cleanly(story.pressure(10.0, 11.0).pressure(13.0, 15.0).history())) == ["never_ended"]
    assert stops_cleanly(story.pressure(16.0, 17.0).history()).verdict is Verdict.INCONCLUSIVE


def held(since: float, until: float = 10.1, error: str = "connection lost", wait: float = 20) -> Story:
    story = stopped_at_ten().pressure(9.5, 10.5)
    return story.poll(since, end=until, status=None, wait=wait, error=error)


def test_a_busy_machine_does_not_excuse_a_held_poll_that_was_certainly_accepted_and_cut_off() -> None:
    assert kinds(stops_cleanly(held(7.9).history())) == ["cut_off"]


@pytest.mark.parametrize(
    "story",
    [
        held(8.1),
        held(7.9, until=12.1),
        held(7.9, until=12.0, error="timeout"),
        held(7.9, wait=0),
        stopped_at_ten().pressure(9.5, 10.5).send("a", 7.9, 10.1, status=None, error="connection lost"),
    ],
    ids=["begun late", "cut off late", "time-out", "not held", "a send"],
)
def test_a_busy_machine_excuses_what_it_can_explain(story: Story) -> None:
    judgement = stops_cleanly(story.history())
    assert (judgement.verdict, kinds(judgement)) == (Verdict.INCONCLUSIVE, [])


def test_a_stop_at_which_nothing_was_under_way_shows_nothing() -> None:
    judgement = stops_cleanly(stopped_at_ten(under_way=2).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "only 2 requests were under way" in judgement.reason
