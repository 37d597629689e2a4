"""available: which answers are right, inside a fault, outside, and in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.checkers import available
from harness.verdict import Judgement, Verdict

from .histories import Story, message, stamp
from .test_no_loss import kinds

DEGRADED = {"source": "mongodb", "degraded": True}


def with_fault(
    name: str,
    *,
    send: dict[str, Any] | None = None,
    poll: dict[str, Any] | None = None,
    active: float | None = 10.1,
    healed: float | None = 20.1,
    every: float = 1.0,
) -> Story:
    """Sends and polls through a fault from 10 s to 20 s, answered in it as told."""
    story = Story().fault(name, inject=10.0, active=active, heal=20.0, healed=healed)
    at = 10.2
    while at < 19.9:
        story.send(str(at), at, **(send or {"queued": False}))
        story.poll(at + 0.1, **(poll or DEGRADED))
        at += every
    return story


def test_ok_answers_in_time_pass() -> None:
    judgement = available(Story().send("a", 1.0).poll(2.0).history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["answers"] == {"poll ok 200": 1, "send ok 200": 1}


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_outside_faults_is_a_wrong_status(status: int) -> None:
    judgement = available(Story().send("a", 1.0, status=status, error="broken").poll(2.0).history())
    assert kinds(judgement) == ["wrong_status"]
    assert judgement.reason == (
        f"alice's send to bob at 1.000 s (operation 1) was answered {status}, unknown (broken) at 1.010 s "
        "outside any fault; expected: 200."
    )


def test_a_malformed_200_is_a_wrong_answer() -> None:
    story = Story().poll(2.0, outcome="unknown", error="the body is not JSON")
    assert kinds(available(story.history())) == ["wrong_status"]


def test_a_refusal_the_scenario_provoked_is_an_answer() -> None:
    assert available(Story().send("a", 1.0, status=413).poll(2.0).history()).verdict is Verdict.PASS


def test_a_reader_who_is_served_at_other_times_is_not_refused() -> None:
    story = with_fault("redis refused").poll(15.05, status=404)
    assert kinds(available(story.history())) == ["wrong_status"]
    assert available(Story().poll(1.0, status=400).poll(2.0, status=400).history()).verdict is Verdict.PASS


@pytest.mark.parametrize("status", [401, 403, 404])
def test_no_user_is_refused_their_own_mailbox(status: int) -> None:
    assert kinds(available(Story().poll(1.0, status=status).history())) == ["wrong_status"]


@pytest.mark.parametrize(("status", "wrong"), [(400, 0), (401, 1), (403, 1), (404, 1), (429, 0)])
def test_a_user_who_polls_exists_as_a_recipient(status: int, wrong: int) -> None:
    story = Story().send("a", 1.0, status=status).poll(2.0)
    assert kinds(available(story.history())) == ["wrong_status"] * wrong


def test_a_signed_in_user_may_send() -> None:
    story = Story().send("a", 1.0, status=401, recipient="nobody").poll(2.0)
    assert kinds(available(story.history())) == ["wrong_status"]


def let_in(status: int | None, **changes: Any) -> Judgement:
    return available(Story().required(0.5, status, **changes).send("a", 1.0).poll(2.0).history())


def test_users_can_sign_in_however_long_it_takes() -> None:
    assert let_in(200).verdict is Verdict.PASS
    assert let_in(200, end=9.0).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("status", "kind"), [(None, "unanswered"), (500, "wrong_status"), (503, "wrong_status")]
)
def test_a_sign_in_that_fails_is_a_finding(status: int | None, kind: str) -> None:
    judgement = let_in(status)
    assert kinds(judgement) == [kind]
    assert judgement.reason.startswith("alice wanted to sign in at 0.500 s and was ")


def test_a_sign_in_without_a_token_is_a_finding() -> None:
    judgement = let_in(200, error="no token")
    assert (
        judgement.reason
        == "alice wanted to sign in at 0.500 s and was answered 200 (no token); expected: 200."
    )


def test_a_refusal_that_may_be_due_to_the_harness_proves_nothing() -> None:
    judgement = let_in(429)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason.startswith("alice wanted to sign in and was answered 429: the server may require")


@pytest.mark.parametrize(
    ("fault", "status", "wrong"),
    [
        ("redis refused", 503, 0),
        ("redis refused", None, 1),
        ("mongodb refused", 500, 1),
        ("server killed", None, 0),
        ("server killed", 500, 1),
    ],
)
def test_a_sign_in_may_be_answered_503_while_a_store_is_broken(
    fault: str, status: int | None, wrong: int
) -> None:
    story = with_fault(fault, poll=DEGRADED if "redis" in fault else {"status": 503}, send={"status": 503})
    assert len(kinds(available(story.required(15.0, status).history()))) >= wrong
    told = [found for found in available(story.history()).findings if "sign in" in found.sentence]
    assert len(told) == wrong


def test_a_sign_in_that_times_out_on_a_busy_machine_proves_nothing() -> None:
    story = Story().required(0.5, None).pressure(0.4, 0.6).send("a", 3.0).poll(4.0)
    assert available(story.history()).verdict is Verdict.INCONCLUSIVE


def test_a_server_that_does_not_come_back_is_a_finding_but_on_a_busy_machine() -> None:
    story = Story().send("a", 1.0).poll(2.0).gave_up("serving", 3.0, 8.0)
    assert available(story.history()).reason == "The server did not serve from 3.000 s on: Waited in vain."
    assert kinds(available(story.pressure(3.5, 4.0).history())) == ["not_back"], "half of the wait was quiet"
    assert available(story.pressure(5.5, 6.0).history()).verdict is Verdict.INCONCLUSIVE


def test_other_waits_that_gave_up_are_not_findings() -> None:
    story = Story().send("a", 1.0).poll(2.0).gave_up("traffic", 3.0, 8.0)
    assert available(story.history()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("fault", "start", "error", "wrong"),
    [
        ("server worker killed", 15.2, "timeout", 1),
        ("server workers killed", 15.2, "timeout", 1),
        ("server workers killed", 15.0, "timeout", 0),
        ("server workers killed", 15.2, "connection lost", 0),
        ("server killed", 15.2, "timeout", 0),
    ],
)
def test_killed_workers_are_replaced_and_do_not_leave_requests_hanging(
    fault: str, start: float, error: str, wrong: int
) -> None:
    story = with_fault(fault).send("late", start, start + 5, status=None, error=error)
    assert kinds(available(story.history())) == ["unanswered"] * wrong
    again = with_fault(fault).fault("client cut", inject=30.0, active=30.1, heal=39.0, healed=39.1)
    again.send("cut off", 31.0, 36.0, status=None, error="timeout")
    assert kinds(available(again.history())) == []
    never_active = with_fault(fault, active=None).send("late", start, start + 5, status=None, error=error)
    assert kinds(available(never_active.history())) == []


def promised(times: int, **last: Any) -> Judgement:
    story = Story().send("a", 1.0).poll(1.5, message("a", 1.0))
    for number in range(times):
        story.poll(2 + number, has_more=True)
    return available(story.poll(50, **last).poll(51, has_more=True).history())


def test_ten_empty_answers_in_a_row_that_promise_more_are_a_finding() -> None:
    judgement = promised(10)
    assert judgement.reason == (
        "bob#1 received 10 empty pages in a row from 2.000 s to 11.010 s that said `has_more` and did not "
        "move the cursor."
    )
    assert promised(9).verdict is Verdict.PASS
    assert promised(9, has_more=True, next_since=stamp(3.0)).verdict is Verdict.PASS


def test_a_pair_of_users_known_to_the_server_stays_known() -> None:
    story = Story().send("a", 1.0).send("b", 2.0, status=404).poll(3.0)
    assert kinds(available(story.history())) == ["wrong_status"]
    nobody = Story().send("a", 1.0).send("b", 2.0, status=404, recipient="nobody").poll(3.0)
    assert available(nobody.history()).verdict is Verdict.PASS


def test_a_fault_the_table_does_not_know_excuses_anything_but_a_500() -> None:
    story = with_fault("kafka refused", send={"status": 503}, poll={"status": None})
    assert available(story.history()).verdict is Verdict.INCONCLUSIVE


def test_a_503_that_says_unknown_is_an_answer_and_silence_is_not() -> None:
    judgement = available(Story().send("a", 1.0, 6.0, status=None, error="timeout").poll(2.0).history())
    assert kinds(judgement) == ["unanswered"]
    assert "was not answered by 6.000 s (timeout)" in judgement.reason


def test_an_answer_beyond_the_bound_is_too_slow() -> None:
    judgement = available(Story().send("a", 1.0, 2.001).poll(2.0, end=3.0).history())
    assert kinds(judgement) == ["too_slow"]
    assert "after 1.001 s; the bound is 1 s" in judgement.reason


def test_a_poll_that_asked_to_be_held_open_may_take_that_much_longer() -> None:
    assert available(Story().poll(2.0, end=12.9, wait=10).history()).verdict is Verdict.PASS
    assert kinds(available(Story().poll(2.0, end=13.1, wait=10).history())) == ["too_slow"]


def test_slowness_on_an_overloaded_machine_is_inconclusive() -> None:
    story = Story().poll(2.0).poll(4.0, end=5.5).pressure(4.5, 5.0)
    judgement = available(story.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert (
        judgement.reason
        == "1 of the answers cannot be judged: for 1.5 s this machine was too busy to measure the server"
    )


def test_an_overloaded_machine_excuses_neither_a_500_nor_what_happened_at_other_times() -> None:
    story = Story().poll(1.0).poll(4.0, status=500).pressure(3.5, 5.0)
    assert kinds(available(story.history())) == ["wrong_status"]
    story = Story().poll(1.0).pressure(1.0, 2.0).poll(4.0, status=503)
    assert kinds(available(story.history())) == ["wrong_status"]


@pytest.mark.parametrize(
    "wrong", [{"status": 503, "error": "try later"}, {"status": None, "error": "timeout", "end": 9.0}]
)
def test_an_overloaded_machine_excuses_that_a_server_gave_up(wrong: dict[str, Any]) -> None:
    story = Story().poll(1.0).poll(4.0, **wrong).pressure(3.5, 6.1)
    assert available(story.history()).verdict is Verdict.INCONCLUSIVE


def test_a_request_that_hung_for_two_seconds_after_the_machine_was_free_again_is_not_excused() -> None:
    hung = Story().poll(1.0).poll(4.0, end=9.0, status=None, error="timeout")
    assert kinds(available(hung.pressure(3.5, 5.9).history())) == ["unanswered"]


def test_a_poll_that_may_be_held_need_not_be_answered_in_that_time() -> None:
    held = Story().poll(1.0).poll(4.0, wait=4, end=13.0, status=None, error="timeout")
    assert kinds(available(held.pressure(3.5, 9.9).history())) == ["unanswered"]
    assert available(held.pressure(9.9, 10.1).history()).verdict is Verdict.INCONCLUSIVE


def test_a_send_cut_off_by_the_end_of_the_history_is_not_held_against_the_server() -> None:
    assert available(Story().poll(1.0).begun("a", 1.5).history()).verdict is Verdict.PASS
    assert kinds(available(Story().begun("a", 1.5).poll(3.0).history())) == ["unanswered"]


def test_redis_down_and_every_answer_as_promised_is_a_pass() -> None:
    judgement = available(with_fault("redis refused").history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["faults"] == [{"name": "redis refused", "sends": 10, "polls": 10}]


@pytest.mark.parametrize("poll", [{"degraded": False}, {"degraded": True, "source": "redis"}])
def test_a_poll_that_does_not_admit_that_redis_is_down_is_not_degraded(poll: dict[str, Any]) -> None:
    judgement = available(with_fault("redis refused", poll=poll).history())
    assert set(kinds(judgement)) == {"not_degraded"}
    assert "while redis failed; expected: 200 that admits the failure of Redis" in judgement.reason


def test_a_server_whose_polls_do_not_carry_the_fields_is_not_asked_for_them() -> None:
    poll: dict[str, Any] = {"degraded": None}
    assert available(with_fault("redis refused", poll=poll).history()).verdict is Verdict.PASS


def test_redis_down_does_not_excuse_a_503() -> None:
    story = with_fault("redis black-holed", send={"status": 503}, poll={"status": 503})
    assert set(kinds(available(story.history()))) == {"wrong_status"}


def test_mongodb_down_refuses_sends_and_lets_polls_answer_either_way() -> None:
    for poll in ({}, {"status": 503}):
        story = with_fault("mongodb refused", send={"status": 503}, poll={"source": "redis", **poll})
        assert available(story.history()).verdict is Verdict.PASS


def test_an_ack_without_mongodb_is_a_lie() -> None:
    judgement = available(with_fault("mongodb refused", poll={"source": "redis"}).history())
    assert set(kinds(judgement)) == {"wrong_status"}
    assert "was answered 200, ok" in judgement.reason


def test_both_stores_down_and_503_everywhere_is_a_pass() -> None:
    story = with_fault("mongodb refused", send={"status": 503}, poll={"status": 503})
    story.fault("redis refused", inject=9.0, active=9.1, heal=20.0, healed=20.1)
    assert available(story.history()).verdict is Verdict.PASS


def test_a_500_is_wrong_under_every_fault() -> None:
    for name in ("redis refused", "mongodb refused", "server killed", "redis flapping"):
        send = {"status": 503} if "mongodb" in name else {"queued": False}
        story = with_fault(name, send=send, poll=DEGRADED)
        story.poll(15.05, status=500)
        assert kinds(available(story.history())) == ["wrong_status"], name


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize(
    "at", [9.999, 10.05, 19.995, 20.05, 22.0], ids=["across", "unbitten", "heal", "healing", "recovering"]
)
def test_between_fault_and_health_either_answer_is_right(at: float, status: int) -> None:
    story = with_fault("mongodb refused", send={"status": 503}).send("edge", at, status=status)
    assert available(story.history()).verdict is Verdict.PASS


def test_after_the_recovery_every_answer_is_ok_again() -> None:
    story = with_fault("redis refused").send("late", 22.2, status=503)
    assert kinds(available(story.history())) == ["wrong_status"]


def test_between_fault_and_health_the_bound_holds_as_well() -> None:
    story = with_fault("redis refused").poll(20.05, end=21.2)
    assert kinds(available(story.history())) == ["too_slow"]


def test_a_store_that_is_only_slow_may_still_be_used() -> None:
    story = with_fault("redis slow", send={"queued": True}, poll={"degraded": False, "source": "redis"})
    assert available(story.history()).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", ["read-only", "out of memory"])
def test_a_redis_that_refuses_writes_may_still_be_read_but_nothing_was_queued(kind: str) -> None:
    polls_from_redis: dict[str, Any] = {"degraded": False, "source": "redis"}
    for poll in (polls_from_redis, DEGRADED):
        assert available(with_fault(f"redis {kind}", poll=poll).history()).verdict is Verdict.PASS
    lie = with_fault(f"redis {kind}", send={"queued": True}, poll=polls_from_redis)
    assert set(kinds(available(lie.history()))) == {"not_degraded"}


def test_a_redis_without_writes_beside_a_mongodb_that_is_away_leaves_polls_either_way() -> None:
    story = with_fault("mongodb refused", send={"status": 503}, poll={"source": "redis"})
    story.fault("redis read-only", inject=9.0, active=9.1, heal=20.0, healed=20.1)
    assert available(story.poll(15.05, status=503).history()).verdict is Verdict.PASS


def test_a_killed_redis_is_away_like_a_refused_one() -> None:
    assert available(with_fault("redis killed").history()).verdict is Verdict.PASS
    poll = {"degraded": False, "source": "redis"}
    assert set(kinds(available(with_fault("redis killed", poll=poll).history()))) == {"not_degraded"}


def test_a_fault_of_a_moment_counts_what_was_asked_until_it_had_to_be_over() -> None:
    story = Story().fault("redis emptied", inject=10.0, active=10.1, heal=10.1, healed=10.1)
    for place in range(5):
        story.send(str(place), 10.2 + place * 0.4).poll(10.3 + place * 0.4)
    assert available(story.history()).verdict is Verdict.PASS
    assert available(story.history()).evidence["faults"] == [
        {"name": "redis emptied", "sends": 5, "polls": 5}
    ]


def test_a_killed_server_may_leave_requests_unanswered() -> None:
    story = with_fault("server killed", send={"status": None}, poll={"status": None}).poll(30)
    assert available(story.history()).verdict is Verdict.PASS


def test_a_push_claimed_while_redis_is_down_is_not_degraded() -> None:
    story = with_fault("redis refused", send={"queued": True})
    assert set(kinds(available(story.history()))) == {"not_degraded"}
    replay = with_fault("redis refused", send={"queued": True, "replayed": True})
    assert available(replay.history()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (lambda: Story(), "no send and no poll"),
        (lambda: with_fault("redis refused", active=None), "never proven to take effect"),
        (lambda: with_fault("redis refused", healed=None), "never seen healed"),
        (lambda: with_fault("redis refused", every=2.5), "only 4 sends and 4 polls"),
        (lambda: with_fault("kafka refused"), "effects of the fault 'kafka refused' on 'kafka' are unknown"),
    ],
)
def test_what_proves_nothing(story: Callable[[], Story], reason: str) -> None:
    judgement = available(story().history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert reason in judgement.reason


def with_policy(story: Story, **policy: str) -> Story:
    story.events[0] = {**story.events[0], "policy": policy}
    return story


@pytest.mark.parametrize("answer", [{"status": 503}, DEGRADED])
def test_a_server_may_say_that_it_serves_no_polls_without_redis(answer: dict[str, Any]) -> None:
    story = with_policy(with_fault("redis refused", poll=answer), polls_without_redis="unavailable")
    assert available(story.history()).verdict is Verdict.PASS


def test_whatever_the_policy_a_poll_without_redis_must_not_deny_it() -> None:
    lie = {"source": "redis", "degraded": False}
    story = with_policy(with_fault("redis refused", poll=lie), polls_without_redis="unavailable")
    assert set(kinds(available(story.history()))) == {"wrong_status"}


def test_a_server_whose_policy_is_to_serve_polls_without_redis_does() -> None:
    story = with_policy(with_fault("redis refused", poll={"status": 503}), polls_without_redis="served")
    assert set(kinds(available(story.history()))) == {"wrong_status"}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(503, Verdict.PASS), (200, Verdict.PASS), (None, Verdict.PASS), (500, Verdict.FAIL)],
)
def test_while_a_store_that_only_the_profile_names_is_away_anything_but_500_is_right(
    status: int | None, verdict: Verdict
) -> None:
    story = with_fault("upstream kv refused", send={"status": status}, poll={"status": status})
    for event in story.events:
        if event["kind"] == "fault":
            event["store"] = "upstream kv"
    assert available(story.history()).verdict is verdict
