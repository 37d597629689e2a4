"""The figures of a run of chaos: how far sends came, which faults met, how long a recovery took."""

from __future__ import annotations

from typing import Any

import pytest

from harness.chaos.figures import Figures, figures_of
from harness.chaos.phases import NOT_CONNECTED
from harness.reports.record import RowResult
from harness.verdict import Finding, Judgement, Verdict
from tests.unit.harness.checkers.histories import Story, message


def figures(story: Story, *judgements: Judgement) -> Figures:
    row = RowResult("RANDOM-01", "Faults", "random", Verdict.PASS, 1.0, "", judgements)
    return figures_of(story.history(), row)


def during(fault: str = "mongodb refused") -> Story:
    return Story().fault(fault, inject=1.0, active=1.1, heal=5.0, healed=5.2)


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        ({}, "not at all"),
        ({"queued": False}, "between insert and push"),
        ({"status": 503, "outcome": "refused", "stated_outcome": "not_stored"}, "before the insert"),
        ({"status": None, "error": NOT_CONNECTED}, "before the request"),
        ({"status": None, "error": "timeout"}, "before the insert"),
    ],
)
def test_how_far_a_send_came_that_a_fault_struck(answer: dict[str, Any], phase: str) -> None:
    assert figures(during().send("a", 2.0, **answer)).phases == {"mongodb refused": {phase: 1}}


@pytest.mark.parametrize("answer", [{"status": None, "error": "timeout"}, {"status": 503}])
def test_a_send_without_an_answer_was_stored_where_its_message_arrives(answer: dict[str, Any]) -> None:
    story = during().send("a", 2.0, **answer).poll(6.0, message("a", 2.0))
    assert figures(story).phases == {"mongodb refused": {"before the ack": 1}}


@pytest.mark.parametrize(("replayed", "phase"), [(True, "before the ack"), (False, "before the insert")])
def test_the_ack_of_a_retry_says_whether_the_attempt_before_it_was_stored(replayed: bool, phase: str) -> None:
    story = during().send("a", 2.0, status=None, error="timeout").send("a", 7.0, replayed=replayed)
    assert figures(story.poll(8.0, message("a", 2.0))).phases == {"mongodb refused": {phase: 1}}


def test_only_sends_under_way_during_a_fault_with_effects_count() -> None:
    story = during().fault("signal hang-up", inject=20.0, active=20.1, heal=21.0, healed=21.1)
    story.send("before", 0.5).send("into", 0.9, 1.5).send("after", 5.3).send("hang-up", 20.5)
    assert figures(story).phases == {"mongodb refused": {"not at all": 1}}


def test_faults_that_overlap_have_met() -> None:
    story = during().fault("redis killed", inject=4.0, active=4.1, heal=8.0, healed=8.1)
    story.fault("clock off", inject=8.2, active=8.3, heal=9.0, healed=9.1)
    known = figures(story)
    assert known.pairs == (("mongodb refused", "redis killed"),)
    assert known.faults == {"clock off": 1, "mongodb refused": 1, "redis killed": 1}


def test_a_recovery_lasts_until_the_last_unusual_answer_before_the_next_outage() -> None:
    story = during().send("a", 5.0, status=503).send("b", 5.5, 5.7, queued=False).send("c", 6.0)
    story.poll(6.2, end=6.7, degraded=True)
    story.fault("redis killed", inject=9.0, active=9.1, heal=10.0, healed=10.0)
    story.send("d", 9.5, status=503).send("e", 11.0)
    assert figures(story).recovered_in_s == (1.5, 0.0)


def test_a_held_poll_that_the_next_outage_ends_is_no_part_of_the_recovery() -> None:
    story = during().send("a", 5.0, status=503).poll(7.0, end=9.4, degraded=True)
    story.fault("redis killed", inject=9.0, active=9.1, heal=10.0, healed=10.0).send("b", 11.0)
    assert figures(story).recovered_in_s == (0.0, 0.0)


def test_an_outage_that_was_never_seen_healed_has_no_recovery() -> None:
    story = Story().fault("redis killed", inject=1.0, active=1.1, heal=2.0, healed=None)
    assert figures(story.send("a", 3.0)).recovered_in_s == ()


def test_a_recovery_is_not_timed_while_the_machine_is_too_busy() -> None:
    story = during().send("a", 5.3, status=503).pressure(4.5, 5.4)
    story.fault("redis killed", inject=9.0, active=9.1, heal=10.0, healed=10.0).pressure(20.0, 21.0)
    known = figures(story)
    assert (known.outages, known.recovered_in_s) == (2, (0.0,))


def test_the_slowest_answer_is_known_with_and_without_faults_and_held_polls_count_without_their_hold() -> (
    None
):
    story = during().send("a", 2.0, 3.25).send("b", 20.0, 20.5).poll(30.0, end=33.1, wait=3.0)
    story.send("hangs", 40.0, 50.0, status=None, error="timeout")
    known = figures(story)
    assert (known.slowest_s, known.slowest_quiet_s) == (1.25, 0.5)


def test_findings_are_counted_by_what_they_mean_for_users() -> None:
    lost = Finding("no-loss", "not_stored", "Message 'a' is lost.")
    judged = Judgement("no-loss", Verdict.FAIL, "", (lost,), {"findings": {"not_stored": 3}})
    story = during().send("a", 2.0, status=503, outcome="refused").send("b", 2.5, status=None).send("c", 9.0)
    known = figures(story.poll(9.0), judged, Judgement("order", Verdict.PASS))
    assert (known.lost, known.doubled, known.reordered) == (3, 0, 0)
    assert (known.sends, known.refused, known.unknown, known.polls) == (3, 1, 1, 1)
