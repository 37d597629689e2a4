"""shows-all, shows-once, shows-in-order and keeps-to-itself."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from harness.checkers import CHECKERS, CLIENT_PROMISES, applying_to, run_checker
from harness.history import Bounds, Recorder
from harness.history.client_events import client_bounds
from harness.verdict import Judgement, Verdict
from tests.unit.harness.checkers.clients.client_story import ClientStory, running

DOCS = Path(__file__).resolve().parents[5] / "docs" / "client-verdicts.md"
LONG_S = 20.0
"""Longer than a client needs to show what it was sent: 8.5 s after the last misbehaviour."""


def judged(promise: str, story: ClientStory) -> Judgement:
    """Return the judgement on one promise; the checker must not crash."""
    judgement = run_checker(CHECKERS[promise], story.history())
    assert "crashed" not in judgement.reason
    return judgement


def kinds(promise: str, story: ClientStory) -> list[str]:
    """Return the kinds of the findings."""
    found = judged(promise, story).findings
    assert all(it.sentence.endswith(".") and 0 < len(it.events) <= 10 for it in found)
    return [it.kind for it in found]


def shown(until_s: float = LONG_S, **has: bool) -> ClientStory:
    """Two messages sent and shown."""
    story = running(until_s, **has).sent(2.0, "m1", 1).sent(3.0, "m2", 2)
    return story.poll(2.3, 2.31, "m1").handed(2.35, "m1").handed(3.35, "m2")


def test_a_good_client_passes_all_that_can_be_judged() -> None:
    story = shown().healed(5.0)
    story.events = [it for it in story.events if it["kind"] != "client_request" or not it["messages"]]
    history = story.history()
    assert applying_to(history) == [it.name for it in CLIENT_PROMISES if it.name != "lets-go"]
    for promise in applying_to(history):
        assert kinds(promise, story.told(0.9, "start", client="")) == []


@pytest.mark.parametrize("promise", [promise.name for promise in CLIENT_PROMISES])
def test_without_a_client_nothing_is_decided(promise: str) -> None:
    assert judged(promise, ClientStory()).verdict is Verdict.INCONCLUSIVE
    assert judged(promise, ClientStory().told(1.0, "start").over(9.0)).verdict in (
        Verdict.INCONCLUSIVE,
        Verdict.FAIL,  # it was to poll
    )


def test_a_promise_that_is_not_made_is_skipped() -> None:
    story = shown()
    story.events[0]["client"]["promises"] = ["paced"]
    assert judged("shows-all", story).verdict is Verdict.SKIPPED
    assert applying_to(story.history()) == ["paced"]


def test_checkers_of_clients_need_the_history_of_a_client() -> None:
    story = shown()
    del story.events[0]["client"]
    judgement = run_checker(CHECKERS["paced"], story.history())
    assert "not the history of a client run" in judgement.reason


# shows-all


def test_a_message_that_was_passed_over_is_a_hole() -> None:
    story = running().sent(2.0, "m1", 1).sent(3.0, "m2", 2).poll(3.2, 3.21, "m1", "m2").handed(3.3, "m2")
    assert kinds("shows-all", story) == ["hole"]


def test_a_hole_is_not_judged_in_the_last_second() -> None:
    story = running().sent(2.0, "m1", 1).sent(9.0, "m2", 2).handed(9.5, "m2")
    assert judged("shows-all", story).verdict is Verdict.INCONCLUSIVE


def test_what_is_handed_on_for_nobody_makes_no_hole() -> None:
    story = running().sent(2.0, "m1", 1).sent(3.0, "m2", 2, to="carol")
    assert kinds("shows-all", story.handed(3.3, "m2").handed(3.4, "x").handed(3.4, "y", user="carol")) == []


@pytest.mark.parametrize(("until_s", "found"), [(20.0, ["never_shown"]), (9.0, [])])
def test_a_message_that_is_not_shown_in_time_is_lost(until_s: float, found: list[str]) -> None:
    story = running(until_s).sent(2.0, "m1", 1)
    assert kinds("shows-all", story) == found
    assert judged("shows-all", story).verdict is (Verdict.FAIL if found else Verdict.INCONCLUSIVE)


def test_the_time_counts_from_the_last_misbehaviour() -> None:
    assert kinds("shows-all", running(20.0).sent(2.0, "m1", 1).healed(15.0)) == []
    assert kinds("shows-all", running(20.0).sent(2.0, "m1", 1).poll(15.0, script="HTML", is_good=False)) == []
    assert kinds("shows-all", running(20.0).sent(2.0, "m1", 1).poll(3.0, status=503, retry_after_s=15)) == []


def test_a_busy_machine_excuses_what_was_not_shown() -> None:
    story = running(20.0).sent(2.0, "m1", 1).busy(2.0, 19.0)
    assert judged("shows-all", story).verdict is Verdict.INCONCLUSIVE
    assert "busy" in judged("shows-all", story).reason


def test_a_stopped_a_sleeping_and_a_signed_out_client_need_not_show() -> None:
    unseen = (
        ClientStory().told(1.0, "start").polls(1.0, 5.0).told(5.0, "stop").over(20.0).sent(2.0, "m1", 1),
        running(20.0).sent(2.0, "m1", 1).told(2.5, "freeze"),
        running(20.0).sent(2.0, "m1", 1).poll(2.5, status=401),
    )
    for story in unseen:
        assert kinds("shows-all", story) == []


def test_what_another_tab_showed_before_is_not_missing() -> None:
    story = shown().told(10.0, "open_tab", client="tab-2").told(10.0, "start", client="tab-2")
    assert kinds("shows-all", story) == []
    story.sent(11.0, "m3", 3).handed(11.2, "m3", client="tab-2")
    assert kinds("shows-all", story) == ["never_shown"]  # by the first one
    assert kinds("shows-all", story.handed(11.3, "m3")) == []


def test_what_was_dropped_with_a_word_is_not_missing() -> None:
    story = running(20.0).sent(2.0, "m1", 1).poll(3.2, 3.21, gap=True)
    assert kinds("shows-all", story) == []
    assert kinds("shows-all", story.poll(4.1, 4.11, "m1")) == ["never_shown"]


def test_without_numbers_the_order_of_acceptance_counts() -> None:
    story = running().sent(2.0, "m1").sent(3.0, "m2").handed(3.3, "m2")
    assert kinds("shows-all", story) == ["hole"]


def test_what_was_not_acked_need_not_be_shown() -> None:
    assert kinds("shows-all", shown().sent(4.0, None)) == []


# shows-once


def test_twice_is_once_too_often() -> None:
    assert kinds("shows-once", shown().handed(4.0, "m1")) == ["shown_twice"]
    assert judged("shows-once", running()).verdict is Verdict.INCONCLUSIVE


def test_after_a_reload_only_what_was_not_stored_comes_again() -> None:
    assert kinds("shows-once", shown(reload=True).told(3.5, "reload").handed(4.0, "m2")) == []
    assert kinds("shows-once", shown(reload=True).told(3.5, "reload").handed(4.0, "m1")) == ["shown_again"]
    assert kinds("shows-once", shown().told(3.5, "reload").handed(4.0, "m1")) == []


def test_a_second_tab_does_not_show_what_the_first_one_did() -> None:
    story = shown(reload=True).told(10.0, "start", client="tab-2").handed(10.5, "m1", client="tab-2")
    assert kinds("shows-once", story) == ["shown_again"]
    story = shown(reload=True).told(2.2, "start", client="tab-2").handed(2.4, "m1", client="tab-2")
    assert kinds("shows-once", story) == []


# shows-in-order


def test_later_ones_do_not_come_first() -> None:
    story = running().sent(2.0, "m1", 1).sent(3.0, "m2", 2).handed(3.3, "m2").handed(3.4, "m1")
    assert kinds("shows-in-order", story) == ["out_of_order"]


def test_what_comes_again_or_is_unknown_has_no_order() -> None:
    assert kinds("shows-in-order", shown().handed(4.0, "m1").handed(4.1, "x")) == []


def test_messages_accepted_at_the_same_time_have_no_order() -> None:
    story = running().sent(2.0, "m1").sent(2.005, "m2").handed(3.3, "m2").handed(3.4, "m1")
    assert kinds("shows-in-order", story) == []


def test_one_message_has_no_order() -> None:
    assert (
        judged("shows-in-order", running().sent(2.0, "m1", 1).handed(3.0, "m1")).verdict
        is Verdict.INCONCLUSIVE
    )


# keeps-to-itself


def test_another_users_message_is_not_handed_on() -> None:
    assert kinds("keeps-to-itself", shown().sent(4.0, "c1", 1, to="carol").handed(4.3, "c1")) == [
        "foreign_message"
    ]
    assert kinds("keeps-to-itself", shown().sent(4.0, "c1", 1, to="carol").handed(4.3, "c1", user=None)) == []


def test_what_was_never_sent_is_not_handed_on() -> None:
    assert kinds("keeps-to-itself", shown().handed(4.3, "7")) == ["never_sent"]


def test_a_message_that_was_not_acked_can_be_handed_on() -> None:
    assert kinds("keeps-to-itself", shown().sent(4.0, None).handed(4.3, "m3", content="text None")) == []
    assert kinds("keeps-to-itself", shown().sent(4.0, None).handed(4.3, "m3", content="other")) == [
        "never_sent"
    ]


def test_another_mailbox_is_not_asked_for() -> None:
    assert kinds("keeps-to-itself", shown().poll(4.0, user="carol")) == ["polls_for_other"]


def test_a_switch_begins_a_new_life() -> None:
    story = shown().told(5.0, "switch", user="carol").poll(5.1, user="carol")
    story.events = [it for it in story.events if not (it["kind"] == "client_request" and it["start"] > 5.2e9)]
    assert kinds("keeps-to-itself", story.polls(5.6, 20, user="carol")) == []
    assert kinds("keeps-to-itself", story.poll(7.0)) == ["polls_for_other"]


def test_the_mailbox_of_the_user_before_is_not_asked_for_until_the_row_ends() -> None:
    """While the client is being switched, either mailbox is right."""
    switched = ClientStory().told(1.0, "start").polls(1.0, 5.0).told(5.0, "switch", user="carol").over(6.0)
    switched.poll(4.8, user="carol").polls(5.0, 6.0, user="carol")
    assert kinds("keeps-to-itself", switched) == []
    assert kinds("keeps-to-itself", switched.poll(5.9)) == ["polls_for_other"]


def test_a_switch_to_the_same_user_changes_nothing() -> None:
    assert kinds("keeps-to-itself", shown().told(5.0, "switch").told(6.0, "start")) == []


# The page of the documentation


def test_the_documentation_has_every_kind_of_every_promise() -> None:
    sections = DOCS.read_text(encoding="utf-8").split("\n## ")
    for promise in CLIENT_PROMISES:
        section = next(it for it in sections if it.startswith(f"{promise.name}\n"))
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(promise.kinds)


def test_a_recorder_writes_what_the_client_promises() -> None:
    client = running().events[0]["client"]
    recorder = Recorder(BytesIO(), row="CLIENT-01", title="", seed=1, bounds=Bounds(), client=client)
    assert recorder.history().client == client_bounds(client)
