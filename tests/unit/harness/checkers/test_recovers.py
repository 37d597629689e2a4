"""recovers: what is judged after a heal, by which arithmetic, and when it is too little."""

from __future__ import annotations

import pytest

from harness.checkers import on_time, recovers
from harness.verdict import Judgement, Verdict

from .histories import Story, message
from .test_no_loss import kinds


def outage(inject: float = 10.0, healed: float = 14.0, *, active: bool = True, heals: bool = True) -> Story:
    """A reader, and a fault; 2 s after `healed` deliveries are on time again."""
    story = Story().poll(0.0)
    story.fault(
        "redis refused",
        inject=inject,
        active=inject + 0.1 if active else None,
        heal=healed - 0.1,
        healed=healed if heals else None,
    )
    return story


def with_quiet_period(story: Story, begin: float, *, count: int = 6, late_s: float = 0.0) -> Judgement:
    """Messages, one for each poll; each arrives that much later than the first poll after it."""
    waiting: list[tuple[float, str]] = []
    for number in range(count + int(late_s / 2) + 1):
        at = begin + 2 * number
        if number < count:
            story.send(f"after {number}", at)
            waiting.append((at, f"after {number}"))
        ready = [(sent, name) for sent, name in waiting if sent + late_s <= at]
        waiting = [one for one in waiting if one not in ready]
        story.poll(at + 1.5, *(message(name, sent) for sent, name in ready))
    return recovers(story.history())


def test_deliveries_that_are_on_time_again_pass() -> None:
    judgement = with_quiet_period(outage(), 16.1)
    assert judgement.verdict is Verdict.PASS
    (told,) = judgement.evidence["outages"]
    assert (told["faults"], told["bound"], told["judged_live"]) == ("redis refused", "met", 6)


def test_deliveries_that_are_still_late_are_a_finding() -> None:
    judgement = with_quiet_period(outage(), 16.1, late_s=2.0)
    assert set(kinds(judgement)) == {"late"}
    assert judgement.evidence["outages"][0]["bound"] == "missed"


def test_a_message_that_never_arrives_after_the_recovery_is_a_finding() -> None:
    story = outage().send("lost", 16.1)
    assert kinds(with_quiet_period(story, 16.2)) == ["never_delivered"]


def test_lateness_before_the_recovery_is_due_is_forgiven() -> None:
    story = outage().send("early", 15.0).poll(15.5).poll(17.5, message("early", 15.0))
    assert with_quiet_period(story, 18.0).verdict is Verdict.PASS


def test_what_was_acked_during_the_outage_must_be_there_at_the_first_poll_after_the_recovery() -> None:
    def story() -> Story:
        return outage().send("a", 12.0, queued=False).poll(12.5).poll(16.5)

    served = story().poll(18.5, message("a", 12.0))
    assert with_quiet_period(served, 20.0).verdict is Verdict.PASS, "2 s after the first poll is in time"
    missing = story().poll(18.5).poll(20.5, message("a", 12.0))
    judgement = with_quiet_period(missing, 22.0)
    assert kinds(judgement) == ["still_missing"]
    assert "redis refused" in judgement.reason
    assert "bob#1, which polled at 16.500 s, received it only at 20.510 s" in judgement.reason
    assert on_time(missing.history()).verdict is Verdict.PASS, "on-time does not judge it"


def test_pages_may_be_read_one_after_the_other_after_a_recovery() -> None:
    story = outage().send("a", 12.0).send("b", 12.1).poll(16.5, message("a", 12.0), has_more=True)
    assert with_quiet_period(story.poll(19.4, message("b", 12.1)), 20.0).verdict is Verdict.PASS


def test_a_message_that_never_comes_after_the_recovery_is_missing_once_a_later_poll_did_not_return_it() -> (
    None
):
    def story() -> Story:
        return outage().send("a", 12.0, queued=False).poll(12.5).poll(16.5).poll(18.5)

    assert recovers(story().history()).verdict is Verdict.INCONCLUSIVE, "its reader left too early"
    judgement = recovers(story().poll(20.5).history())
    assert kinds(judgement) == ["still_missing"]
    assert "received it never" in judgement.reason


def test_a_server_that_answers_no_poll_after_the_recovery_delivers_nothing() -> None:
    story = outage().send("a", 12.0, queued=False)
    for at in (16.5, 18.5, 20.5):
        story.poll(at, status=None, end=at + 1.0)
    assert kinds(recovers(story.history())) == ["still_missing"]


def test_a_first_answer_that_takes_too_long_brings_its_messages_too_late() -> None:
    story = outage().send("a", 12.0, queued=False).poll(12.5)
    assert with_quiet_period(story.poll(16.5, message("a", 12.0), end=19.1), 20.0).verdict is Verdict.FAIL


def test_a_poll_that_the_harness_started_late_is_not_the_servers_delay() -> None:
    story = outage().send("a", 12.0, queued=False).poll(12.5).poll(16.5)
    story.poll(22.0, message("a", 12.0), intended=18.5)
    assert with_quiet_period(story, 24.0).verdict is Verdict.PASS


def test_what_one_quiet_period_was_too_short_for_the_next_one_decides() -> None:
    story = outage(healed=11.0).send("a", 10.5, queued=False).poll(12.5).poll(14.5)
    story.fault("mongodb slow", inject=16, active=16.1, heal=17, healed=17.1)
    judgement = with_quiet_period(story.poll(18.5), 20.0)
    assert kinds(judgement) == ["still_missing"]
    assert "after mongodb slow" in judgement.reason


def test_a_message_is_reported_for_one_quiet_period_only() -> None:
    story = outage(healed=11.0).send("a", 10.5, queued=False).poll(12.5).poll(14.5).poll(16.5).poll(18.5)
    story.fault("mongodb slow", inject=20, active=20.1, heal=21, healed=21.1)
    judgement = with_quiet_period(story, 24.0)
    assert kinds(judgement) == ["still_missing"]
    assert "after redis refused" in judgement.reason


def test_a_reader_who_was_still_reading_full_pages_had_no_chance() -> None:
    story = outage().send("a", 12.0).send("b", 12.1).poll(16.5, message("a", 12.0), has_more=True)
    story.poll(20.0, message("b", 12.1), has_more=True)
    assert recovers(story.history()).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("busy", "verdict"), [(17.0, Verdict.INCONCLUSIVE), (24.0, Verdict.FAIL)])
def test_a_busy_machine_excuses_what_is_missing_only_before_it_had_to_be_there(
    busy: float, verdict: Verdict
) -> None:
    story = outage().send("a", 12.0, queued=False).poll(12.5).poll(16.5).poll(18.5).poll(20.5)
    assert with_quiet_period(story.pressure(busy, busy + 0.5), 26.0).verdict is verdict


@pytest.mark.parametrize(
    ("changes", "said"), [({"active": False}, "take effect"), ({"heals": False}, "healed")]
)
def test_a_fault_that_did_not_take_effect_or_heal_proves_nothing(changes: dict[str, bool], said: str) -> None:
    judgement = with_quiet_period(outage(**changes), 16.1)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert said in judgement.reason


def test_too_few_messages_after_the_heal_prove_nothing() -> None:
    judgement = with_quiet_period(outage(), 16.1, count=4)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "only 4 deliveries" in judgement.reason


def test_a_quiet_period_that_the_next_outage_cut_short_need_not_be_judged_but_the_last_must() -> None:
    story = outage().fault("redis black-holed", inject=16.5, active=16.6, heal=18, healed=18.1)
    assert with_quiet_period(story, 20.2).verdict is Verdict.PASS
    story = outage().fault("redis black-holed", inject=40, active=40.1, heal=42, healed=42.1)
    assert with_quiet_period(story, 16.1).verdict is Verdict.INCONCLUSIVE


def test_overlapping_faults_are_one_outage() -> None:
    story = outage().fault("mongodb slow", inject=13, active=13.1, heal=17, healed=17.1)
    judgement = with_quiet_period(story, 19.2)
    assert [told["faults"] for told in judgement.evidence["outages"]] == ["redis refused and mongodb slow"]


def test_a_wrong_clock_is_not_an_outage() -> None:
    story = Story().poll(0).fault("clock stopped", inject=1, active=1.1, heal=2, healed=2.1)
    judgement = with_quiet_period(story, 5.0)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "no fault was healed" in judgement.reason


def test_a_busy_machine_makes_it_inconclusive() -> None:
    assert with_quiet_period(outage().pressure(15.0, 40.0), 16.1, late_s=4).verdict is Verdict.INCONCLUSIVE
