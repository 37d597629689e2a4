"""on-time: the parts of a delay, and what the arithmetic allows."""

from __future__ import annotations

import pytest

from harness.checkers import delivery_delays_s, on_time
from harness.verdict import Verdict

from .histories import Story, message
from .test_no_loss import kinds


def polled(*starts: float, consumer: str = "bob#1") -> Story:
    story = Story()
    for start in starts:
        story.poll(start, consumer=consumer)
    return story


def test_a_delivery_within_two_seconds_passes() -> None:
    story = polled(0.0).send("a", 1.0).poll(1.99, message("a", 1.0))
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["delay_s"] == {"n": 1, "p50": 0.99, "p95": 0.99, "p99": 0.99, "max": 0.99}
    assert delivery_delays_s(story.history()) == pytest.approx([0.99])


def test_a_delivery_a_poll_too_late_is_a_finding_with_the_parts_of_its_delay() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0))
    judgement = on_time(story.history())
    assert kinds(judgement) == ["late"]
    assert judgement.reason == (
        "Message 'a' from alice to bob was acked at 1.010 s, and it reached bob#1 only at 4.010 s, "
        "3.000 s later: 0.990 s until its next poll, 2.000 s until it was visible, 0.010 s round trip."
    )


def test_the_parts_of_a_delay_are_reported_apart() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0), end=4.2)
    evidence = on_time(story.history()).evidence
    assert evidence["poll_phase_s"]["max"] == pytest.approx(0.99)
    assert evidence["visibility_s"]["max"] == pytest.approx(2.0)
    assert evidence["round_trip_s"]["max"] == pytest.approx(0.2)
    assert evidence["delay_s"]["max"] == pytest.approx(0.99 + 2.0 + 0.2)


def test_a_message_that_never_arrives_is_later_than_any_bound() -> None:
    judgement = on_time(polled(0.0).send("a", 1.0).poll(2.0).poll(4.0).history())
    assert kinds(judgement) == ["never_delivered"]
    assert judgement.evidence["undelivered"] == 1
    assert judgement.evidence["delay_s"]["max"] is None


def test_a_consumer_that_stopped_before_a_message_was_due_is_not_late() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0)
    story.send("b", 2.1).poll(2.2, message("a", 1.0), message("b", 2.1), consumer="bob#2")
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["reader_stopped_before_due"] == 1


def test_our_own_late_poll_is_not_the_servers_delay() -> None:
    story = polled(0.0).send("a", 1.0).poll(3.5, message("a", 1.0), intended=2.0)
    for start in range(5, 15):  # the rest of the machine's polls were in time
        story.poll(start)
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["delay_s"]["max"] == pytest.approx(1.0)


def test_a_poll_late_because_the_answer_before_it_was_slow_is_the_servers_delay() -> None:
    story = polled(0.0).send("a", 1.0).poll(1.0, end=6.0).poll(6.0, message("a", 1.0), intended=2.9)
    judgement = on_time(story.history())
    assert kinds(judgement) == ["late"]
    assert "5.000 s later" in judgement.reason


def test_what_was_late_while_the_machine_was_too_busy_is_inconclusive() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0)).pressure(1.5, 3.5)
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason.startswith(
        "1 of the late deliveries cannot be judged: for 3.0 s this machine was too busy"
    )
    quiet = polled(0.0).send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0)).pressure(7.0, 7.5)
    assert on_time(quiet.history()).verdict is Verdict.FAIL


def test_what_was_on_time_although_the_machine_was_too_busy_counts() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0, message("a", 1.0)).pressure(0.5, 3.5)
    judgement = on_time(story.history())
    assert (judgement.verdict, judgement.evidence["judged"]) == (Verdict.PASS, 1)


def test_a_server_slow_to_answer_does_not_make_the_machine_look_overloaded() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0, end=5.0).poll(5.0, end=8, intended=4).poll(8.0, intended=7)
    assert on_time(story.history()).verdict is Verdict.FAIL


def test_an_offline_reader_counts_from_its_first_poll() -> None:
    story = Story().send("a", 1.0).poll(60.0, message("a", 1.0)).poll(62.0)
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["offline_delay_s"]["max"] == pytest.approx(0.01)
    late = Story().send("a", 1.0).poll(60.0).poll(62.05, message("a", 1.0))
    judgement = on_time(late.history())
    assert kinds(judgement) == ["late"]
    assert "bob#1 began to poll at 60.000 s" in judgement.reason


def test_the_arithmetic_forgives_the_share_a_perfect_server_misses() -> None:
    """Round trips that jump between 10 and 300 ms make a few of a hundred messages late; a slow one more."""
    story = Story()
    at, late = 0.0, 0
    for number in range(100):
        story.send(str(number), at + 0.05)
        round_trip = 0.3 if number % 5 == 0 else 0.01
        start = at + 2 - 0.06
        arrives = start + round_trip
        late += arrives - (at + 0.06) > 2
        story.poll(at) if number == 0 else None
        story.poll(start, message(str(number), at + 0.05), end=arrives)
        at = start
    judgement = on_time(story.history())
    assert judgement.evidence["late"] == late > 0
    assert (judgement.verdict is Verdict.PASS) == (late <= judgement.evidence["allowed_misses"])
    assert 0 < judgement.evidence["floor_share"] < 0.1


def test_messages_of_one_answer_late_by_its_round_trip_are_one_miss() -> None:
    """Ten at once, just after a poll: they share the next one's round trip."""
    story = Story()
    for number in range(20):
        story.poll(number * 1.98, end=number * 1.98 + (0.4 if number % 2 else 0.01))
    start = 20 * 1.98
    names = [f"m{number}" for number in range(10)]
    for name in names:
        story.send(name, start - 1.975, start - 1.97)
    story.poll(start, *(message(name, start - 1.975) for name in names), end=start + 0.3)
    judgement = on_time(story.history())
    assert judgement.evidence["late"] == 10
    assert judgement.evidence["misses"] == 1
    assert judgement.verdict is Verdict.PASS


def test_far_too_late_is_a_finding_whatever_the_share() -> None:
    story = Story()
    for number in range(40):  # wild round trips: the arithmetic allows a lot
        story.poll(number * 2.0, end=number * 2.0 + (0.5 if number % 2 else 0.01))
    story.send("a", 80.0).poll(81).poll(83).poll(84.6, message("a", 80.0))
    assert kinds(on_time(story.history())) == ["late"]


def test_a_reader_who_was_away_was_not_served_late() -> None:
    """A page was open somewhere, and polled again after seven seconds; and then it read on slowly."""
    story = polled(0.0).send("a", 1.0).send("b", 1.1)
    story.poll(8.0, message("a", 1.0), next_since="page 0", has_more=True)
    judgement = on_time(story.poll(11.0, message("b", 1.1)).history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["delay_s"]["max"] == pytest.approx(0.02, abs=1e-6)


def test_a_server_that_kept_the_poll_before_is_not_excused_as_if_the_reader_had_been_away() -> None:
    story = polled(0.0).send("a", 1.0).poll(1.5, end=6.0).poll(6.1, message("a", 1.0))
    assert kinds(on_time(story.history())) == ["late"]


def test_how_long_a_poll_was_held_says_nothing_about_round_trips() -> None:
    story = polled(0.0).poll(0.1, end=3.1, wait=3).poll(3.1, end=3.5, wait=3)
    judgement = on_time(story.send("a", 4.0).poll(4.1, message("a", 4.0)).history())
    assert (judgement.verdict, judgement.evidence["floor_share"]) == (Verdict.PASS, 0)


def test_a_held_poll_that_follows_a_full_page_says_nothing_about_round_trips_either() -> None:
    story = polled(0.0).send("a", 1.0).poll(1.5, message("a", 1.0), has_more=True).poll(1.52, end=4.5, wait=3)
    judgement = on_time(story.send("b", 5.0).poll(5.1, message("b", 5.0)).history())
    assert (judgement.verdict, judgement.evidence["floor_share"]) == (Verdict.PASS, 0)


def paged(*, step_s: float = 0.03, more: bool = True) -> Story:
    """Three messages wait for a poll which reads them page by page; all come a little late."""
    names = ("a", "b", "c")
    story = polled(0.0)
    for name in names:
        story.send(name, 1.0)
    for place, name in enumerate(names):
        begin = 2.99 + place * step_s
        told = message(name, 1.0)
        story.poll(begin, told, end=begin + step_s, next_since=f"page {place}", has_more=more and place < 2)
    return story


def test_what_waited_for_the_next_page_was_visible_at_once() -> None:
    """The limit was the client's, and one round of polls is one miss, however many pages it has."""
    judgement = on_time(paged().history())
    assert (judgement.evidence["late"], judgement.evidence["misses"]) == (3, 1)
    assert judgement.evidence["visibility_s"]["max"] == 0
    assert judgement.evidence["round_trip_s"]["max"] == 0.09


def test_a_server_that_denied_having_more_was_late_with_the_rest() -> None:
    judgement = on_time(paged(more=False).history())
    assert judgement.evidence["misses"] == 3
    assert judgement.evidence["visibility_s"]["max"] == 0.06


def test_pages_that_come_too_slowly_are_the_servers_fault() -> None:
    assert on_time(paged(step_s=0.2).history()).evidence["misses"] == 2  # the third took 0.6 s


def test_pressure_does_not_excuse_a_message_that_two_and_a_half_quiet_seconds_did_not_bring() -> None:
    def late(*more: float) -> Story:
        story = polled(0.0).send("a", 1.0).pressure(0.5, 1.2)
        for begin in more:
            story.pressure(begin, begin + 0.2)
        return story.poll(2.0).poll(4.0).poll(6.0, message("a", 1.0))

    assert kinds(on_time(late().history())) == ["late"]
    assert on_time(late(4.6).history()).verdict is Verdict.INCONCLUSIVE


def test_deliveries_a_fault_could_have_touched_are_reported_apart() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0, message("a", 1.0)).send("b", 3.0)
    story.fault("redis refused", inject=3.5, active=3.6, heal=8.0, healed=8.1)
    story.poll(4.0).poll(6.0).poll(8.0, message("b", 3.0)).send("c", 9.5).poll(10, message("c", 9.5))
    judgement = on_time(story.history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["judged"] == 1
    assert judgement.evidence["not_judged"]["late"] == 1
    assert judgement.evidence["not_judged"]["delay_s"]["n"] == 2


def test_lateness_after_the_recovery_is_a_finding() -> None:
    story = polled(0.0).fault("redis refused", inject=1, active=1.1, heal=2, healed=2.1)
    story.send("a", 4.2).poll(5.0).poll(7.0, message("a", 4.2))
    assert kinds(on_time(story.history())) == ["late"]


def test_a_message_late_before_the_fault_began_is_not_excused_by_it() -> None:
    story = polled(0.0).send("a", 1.0).poll(2.0).poll(4.0)
    story.fault("redis refused", inject=5, active=5.1, heal=6, healed=6.1).poll(6.0, message("a", 1.0))
    assert kinds(on_time(story.history())) == ["late"]


def test_clocks_that_differ_excuse_nothing() -> None:
    story = polled(0.0).fault("clock stepping", inject=0.5, active=0.6, heal=20, healed=20)
    story.send("a", 1.0).poll(2.0).poll(4.0, message("a", 1.0))
    assert kinds(on_time(story.history())) == ["late"]


def test_an_answer_before_the_ack_took_no_time() -> None:
    story = polled(0.0).send("a", 1.0, 2.0).poll(1.5, message("a", 1.0))
    assert on_time(story.history()).evidence["delay_s"]["max"] == 0


def test_nothing_timed_proves_nothing() -> None:
    assert on_time(polled(0.0).history()).verdict is Verdict.INCONCLUSIVE
