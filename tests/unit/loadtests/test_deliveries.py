"""The load test's verdict: exact counts, and only the lateness that the arithmetic forgives."""

from __future__ import annotations

from harness.verdict import Verdict
from loadtests.deliveries import Deliveries

MS = 1_000_000
S = 1000 * MS


def _chat(deliveries: Deliveries, count: int, *, waited_ns: int, lag_ns: int = 0, start: int = 0) -> None:
    for number in range(start, start + count):
        deliveries.due(f"m{number}", "bob", due_ns=0)
        deliveries.acked(f"m{number}", due_ns=0, now_ns=lag_ns)
        deliveries.received(f"m{number}", waited_ns)


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
    deliveries.due("lost", "bob", due_ns=0)
    deliveries.acked("lost", due_ns=0, now_ns=5 * MS)
    assert deliveries.expected_by("bob", 7 * S)
    assert not deliveries.expected_by("bob", 9 * S)
    (missing,) = deliveries.missing("bob", 9 * S)
    assert str(missing) == "missing"
    assert missing.is_late
    assert deliveries.judge(2.0)[0] is Verdict.FAIL


def test_a_send_that_was_not_acked_owes_nothing() -> None:
    deliveries = Deliveries()
    _chat(deliveries, 200, waited_ns=100 * MS)
    deliveries.due("refused", "bob", due_ns=0)
    deliveries.not_acked("refused")
    assert deliveries.missing("bob", 9 * S) == []
    assert deliveries.received("refused", 9 * S) is None
    assert deliveries.judge(2.0)[0] is Verdict.PASS


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
        master.take_over(worker.hand_over())
    assert master.histogram.get_total_count() == 200
    assert worker.histogram.get_total_count() == 0
    assert master.judge(2.0)[0] is Verdict.PASS
