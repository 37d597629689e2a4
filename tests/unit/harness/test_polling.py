"""A well-behaved client: which cursor comes next, and when it polls."""

from __future__ import annotations

from harness.adapters import Message, Page
from harness.client.polling import Cursor, PollSchedule
from harness.history import NS_PER_S


def _message(id_: str) -> Message:
    return Message(id_, "ann", "bob", "hi")


def _page(ids: list[str], next_since: str | None) -> Page:
    return Page(list(map(_message, ids)), next_since)


def test_a_new_consumer_asks_without_a_cursor_and_then_with_the_last_answer() -> None:
    cursor = Cursor()
    assert cursor.parameters() == {}
    cursor.accept(_page(["a"], "2026-01-01T00:00:00.000001Z"))
    assert cursor.parameters(limit=5) == {"since": "2026-01-01T00:00:00.000001Z", "limit": "5"}


def test_a_message_that_came_before_is_not_fresh_again() -> None:
    cursor = Cursor()
    cursor.accept(_page(["a", "b"], "t1"))
    assert cursor.accept(_page(["b", "c"], "t2")) == [_message("c")]


def test_an_empty_first_answer_leaves_the_consumer_at_its_start() -> None:
    cursor = Cursor()
    cursor.accept(_page([], None))
    assert cursor.parameters() == {}


def test_the_interval_counts_from_the_start_and_is_shortened_by_the_round_trip() -> None:
    schedule = PollSchedule(2 * NS_PER_S)
    assert schedule.next_start(0, NS_PER_S // 10) == 2 * NS_PER_S - NS_PER_S // 10


def test_one_slow_answer_moves_the_schedule_by_an_eighth_of_what_it_took() -> None:
    schedule = PollSchedule(2 * NS_PER_S, smoothed_round_trip_s=0.1)
    assert schedule.next_start(0, int(0.9 * NS_PER_S)) == int(1.8 * NS_PER_S)


def test_a_poll_longer_than_the_interval_is_followed_at_once() -> None:
    assert PollSchedule(NS_PER_S).next_start(0, 3 * NS_PER_S) == 3 * NS_PER_S
