"""The load test's verdict: exact counts, and only the lateness that the arithmetic forgives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.adapters import Message
from harness.client import Malformed
from harness.history import Outcome
from harness.verdict import Verdict
from loadtests.deliveries import Deliveries, Sent

MS = 1_000_000
S = 1000 * MS


def _send(deliveries: Deliveries, content: str) -> None:
    deliveries.due(content, Sent("ann", "bob", f"own {content}", due_ns=0))


def _message(content: str, **changed: Any) -> Message:
    message = Message("id", "ann", "bob", content, client_message_id=f"own {content}")
    return replace(message, **changed)


def _chat(deliveries: Deliveries, count: int, *, waited_ns: int, lag_ns: int = 0, start: int = 0) -> None:
    for number in range(start, start + count):
        _send(deliveries, f"m{number}")
        deliveries.acked(f"m{number}", now_ns=lag_ns)
        deliveries.received(_message(f"m{number}"), "bob", waited_ns)


def test_all_on_time_is_a_pass_with_exact_percentiles() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 99, waited_ns=100 * MS)
    _chat(deliveries, 1, waited_ns=1999 * MS, start=99)
    verdict, table = deliveries.judge(2.0)
    assert verdict is Verdict.PASS
    assert "p50, due → received    100 ms" in table
    assert "longest                1,999 ms" in table


def test_one_late_delivery_fails_where_round_trips_took_no_time() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    _chat(deliveries, 1, waited_ns=2001 * MS, start=200)
    assert deliveries.judge(2.0)[0] is Verdict.FAIL


def test_late_deliveries_within_the_arithmetic_are_forgiven() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 199, waited_ns=100 * MS, lag_ns=40 * MS)
    _chat(deliveries, 1, waited_ns=2020 * MS, lag_ns=40 * MS, start=199)
    assert deliveries.judge(2.0)[0] is Verdict.PASS


def test_a_slow_server_cannot_buy_forgiveness_with_its_own_slowness() -> None:
    """Round trips are excused up to half a second: at most a quarter of the messages, whatever they took."""
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=6 * S, lag_ns=5 * S)
    assert deliveries.judge(2.0)[0] is Verdict.FAIL


def test_a_missing_message_fails_and_shows_in_locust_as_a_failure() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    _send(deliveries, "lost")
    deliveries.acked("lost", now_ns=5 * MS)
    assert deliveries.expected_by("bob", 7 * S)
    assert not deliveries.expected_by("bob", 9 * S)
    (missing,) = deliveries.missing("bob", 9 * S)
    assert str(missing) == "missing"
    assert missing.is_late
    assert deliveries.judge(2.0)[0] is Verdict.FAIL


def test_a_send_that_nobody_knows_of_owes_nothing_and_may_arrive_once() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    _send(deliveries, "unknown")
    deliveries.not_acked("unknown", Outcome.UNKNOWN)
    assert not deliveries.expected_by("bob", 1 * S)
    assert deliveries.missing("bob", 9 * S) == []
    assert deliveries.received(_message("unknown"), "bob", 9 * S) is None
    with pytest.raises(Malformed, match="a message for the second time"):
        deliveries.received(_message("unknown"), "bob", 9 * S)
    assert deliveries.judge(2.0)[0] is Verdict.PASS


def test_a_refused_send_must_not_arrive() -> None:
    deliveries = Deliveries()
    _send(deliveries, "refused")
    deliveries.not_acked("refused", Outcome.REFUSED)
    with pytest.raises(Malformed, match="a message that was refused"):
        deliveries.received(_message("refused"), "bob", 9 * S)


@pytest.mark.parametrize(
    ("message", "mailbox", "said"),
    [
        (_message("of nobody"), "bob", "a message that was never sent"),
        (_message("hi"), "eve", "a message of another mailbox"),
        (_message("hi", recipient="eve"), "bob", "a message of another mailbox"),
        (_message("hi", sender="eve"), "bob", "a message with another sender"),
        (_message("hi", client_message_id="x"), "bob", "a message with another client_message_id"),
    ],
)
def test_what_nobody_sent_so_is_told_and_what_was_acked_stays_owed(
    message: Message, mailbox: str, said: str
) -> None:
    deliveries = Deliveries()
    _send(deliveries, "hi")
    deliveries.acked("hi", now_ns=5 * MS)
    with pytest.raises(Malformed, match=said):
        deliveries.received(message, mailbox, 1 * S)
    (missing,) = deliveries.missing("bob", 9 * S)
    assert str(missing) == "missing"


def test_a_message_counts_once_whichever_comes_first_its_ack_or_its_arrival() -> None:
    deliveries = Deliveries()
    _send(deliveries, "hi")
    assert deliveries.received(_message("hi", client_message_id=None), "bob", 1 * S) is not None
    deliveries.acked("hi", now_ns=2 * S)
    deliveries.not_acked("hi", Outcome.UNKNOWN)
    assert deliveries.missing("bob", 9 * S) == []
    with pytest.raises(Malformed, match="a message for the second time"):
        deliveries.received(_message("hi"), "bob", 2 * S)
    assert deliveries.histogram.get_total_count() == 1


def test_a_recipient_goes_on_polling_while_a_send_to_it_is_not_answered() -> None:
    deliveries = Deliveries()
    _send(deliveries, "slow")
    assert deliveries.expected_by("bob", 100 * S)


def test_what_the_load_test_left_undone_is_never_a_pass() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    assert deliveries.judge(2.0, crashes=1)[0] is Verdict.INCONCLUSIVE
    _send(deliveries, "late")
    verdict, table = deliveries.judge(2.0)
    assert verdict is Verdict.INCONCLUSIVE
    assert "inconclusive (1 messages were still on their way)" in table


def test_a_worker_that_ended_too_early_leaves_doubt_at_the_master() -> None:
    master, worker = Deliveries(), Deliveries()
    _chat(worker, 200, waited_ns=100 * MS)
    _send(worker, "late")
    master.take_over("w1", worker.hand_over())
    assert master.judge(2.0)[0] is Verdict.INCONCLUSIVE
    worker.received(_message("late"), "bob", 1 * S)
    master.take_over("w1", worker.hand_over())
    assert master.judge(2.0)[0] is Verdict.PASS


def test_a_failed_request_fails_the_run() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    deliveries.failed_requests += 1
    assert deliveries.judge(2.0)[0] is Verdict.FAIL


def test_too_few_messages_are_inconclusive() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 99, waited_ns=100 * MS)
    assert deliveries.judge(2.0)[0] is Verdict.INCONCLUSIVE


def test_the_master_adds_up_its_workers_and_a_worker_starts_anew_after_each_report() -> None:
    master, worker = Deliveries(), Deliveries()
    for start in (0, 100):
        _chat(worker, 100, waited_ns=100 * MS, start=start)
        worker.polled(0.3, 0.1)
        master.take_over("w1", worker.hand_over())
    assert master.histogram.get_total_count() == 200
    assert worker.histogram.get_total_count() == 0
    assert master.judge(2.0)[0] is Verdict.PASS
