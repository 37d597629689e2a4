"""How checkers are run, and how much they report."""

from __future__ import annotations

import gc
import json
import time

import pytest
from msgspec import to_builtins

from harness.checkers import PROMISES, no_duplicate, no_loss, promise_of, run_checker
from harness.checkers.findings import finding, shortened
from harness.history import History
from harness.history.instants import instant
from harness.reports.sequence import told
from harness.verdict import Judgement, Verdict

from .histories import Story, message

SERVERS = {promise.name: promise.checker for promise in PROMISES}
"""The checkers of what servers promise."""


def test_every_checker_names_the_promise_it_is_registered_for() -> None:
    history = Story().history()
    for promise, checker in SERVERS.items():
        judgement = run_checker(checker, history)
        assert judgement.promise == promise == promise_of(checker)
        assert judgement.verdict is Verdict.INCONCLUSIVE, "an empty history proves nothing"
        assert judgement.reason


def test_a_checker_that_crashes_is_inconclusive() -> None:
    def always_right(history: History) -> Judgement:
        raise ZeroDivisionError("oh")

    judgement = run_checker(always_right, Story().history())
    assert judgement.promise == "always-right"
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "the checker of 'always-right' crashed: ZeroDivisionError: oh"
    assert "always_right" in judgement.evidence["traceback"]


def test_many_findings_are_counted_and_the_first_are_kept() -> None:
    story = Story().poll(0.1)
    for number in range(50):
        story.send(str(number), 1.0)
    story.send("last", 2.0).poll(3.0, message("last", 2.0))
    judgement = no_loss(story.history())
    assert len(judgement.findings) == 20
    assert judgement.evidence["findings"] == {"stored_but_skipped": 50}
    assert judgement.reason.endswith("which passes it (and 49 more).")


def test_of_a_long_page_a_finding_has_what_it_names_and_how_much_it_leaves_out() -> None:
    story = Story()
    page = [message(f"m{number}", 1.0 + number / 100) for number in range(100)]
    for number in range(100):
        story.send(f"m{number}", 1.0 + number / 100)
    story.poll(3.0, *page, since=None).poll(5.0, page[57], since=page[-1]["timestamp"])
    (found,) = no_duplicate(story.history()).findings
    long = next(event for event in found.events if event.get("messages_left_out"))
    assert long["messages_left_out"] == 95
    assert [one["content"] for one in long["messages"]] == [f"content m{n}" for n in (0, 1, 2, 57, 99)]
    assert any("100 messages" in line for line in told(found))


def test_a_client_s_page_is_shortened_in_the_same_way() -> None:
    request = {"kind": "client_request", "t": 1, "is_poll": True, "messages": [f"id{n}" for n in range(30)]}
    found = finding("shows-once", "shown_again", "It showed id25 twice.", [request])
    (event,) = shortened(found).events
    assert event["messages"] == ["id0", "id1", "id2", "id25", "id29"]
    assert event["messages_left_out"] == 25
    assert any("id29 and 25 more" in line for line in told(shortened(found)))


def test_a_short_page_is_shown_as_it_is() -> None:
    event = {"kind": "poll", "t": 1, "messages": [{"id": str(number)} for number in range(5)]}
    assert shortened(finding("order", "out_of_order", "It is.", [event])).events == (event,)


def test_a_judgement_is_plain_json() -> None:
    story = Story().poll(0.0).send("a", 1.0).poll(2.0).poll(4.0).drained(5.0)
    for checker in SERVERS.values():
        json.dumps(to_builtins(checker(story.history())), allow_nan=False)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000001Z"),
        ("2026-01-01T12:00:00.45Z", "2026-01-01T12:00:00.5Z"),
        ("2026-01-01T13:00:00+01:00", "2026-01-01T12:00:01Z"),
        ("2026-01-01T12:00:00.123456788Z", "2026-01-01T12:00:00.123456789Z"),
    ],
)
def test_cursors_compare_as_times(earlier: str, later: str) -> None:
    first, second = instant(earlier), instant(later)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(
    "same", ["2026-01-01T12:00:00.000Z", "2026-01-01T13:00:00+0100", "2026-01-01 12:00:00"]
)
def test_one_instant_has_many_spellings(same: str) -> None:
    assert instant(same) == instant("2026-01-01T12:00:00Z")


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "2026-13-01T12:00:00Z", "2026-13-01T12:00:00.000000Z", "1767268800"]
)
def test_what_is_not_a_timestamp_is_none(text: str | None) -> None:
    assert instant(text) is None


def test_judging_takes_time_in_proportion_to_the_history() -> None:
    short, long = judging_s(1000), judging_s(4000)
    assert long < 12 * short, "four times the history took more than twelve times as long"


def judging_s(messages: int) -> float:
    """Processor time, the best of three: without the garbage of all the tests before, and its collection."""
    story = Story().poll(0.0)
    for number in range(messages):
        name, at = str(number), 1.0 + number / 100
        story.send(name, at).poll(at + 0.05, message(name, at))
    history = story.drained(messages).history()
    gc.disable()
    try:
        return min(_once_s(history) for _ in range(3))
    finally:
        gc.enable()


def _once_s(history: History) -> float:
    began = time.process_time()
    for checker in SERVERS.values():
        checker(history)
    return time.process_time() - began
