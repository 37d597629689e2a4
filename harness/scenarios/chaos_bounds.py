"""Chaos, bounds: nobody waits for a store that is away, and held polls keep their deadlines."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, delivery_delays_s, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, bounded)
FLOOR_MS = 20.0
"""A p99 below this is as good as any: twice of less is the machine's noise."""


@pytest.mark.plan("CHAOS-29")
def test_nobody_waits_for_a_store_that_is_away(run: Run) -> None:
    """`available` holds the first requests into the silence to 1 s; then the open breaker costs nothing.

    Healthy is measured before, between and after, so that a busy moment of the machine is nobody's fault.
    """
    run.start_traffic(every_s=0.5)
    pair = (run.user(), run.user())
    healthy_ms, away_ms = [run.p99_ms(pair, rounds=100)], {}
    for store, fault in (
        ("redis", run.faults.redis_black_holed),
        ("mongodb", run.faults.mongodb_black_holed),
    ):
        with fault():
            run.wait_for_traffic(sends=8, polls=5)  # the breakers open
            away_ms[store] = run.p99_ms(pair, rounds=100)
        run.wait_for_traffic(sends=16, polls=5)
        healthy_ms.append(run.p99_ms(pair, rounds=100))
    run.read_all()
    run.check(*ALL, recovers)
    allowed_ms = 2 * max(*healthy_ms, FLOOR_MS)
    run.measured["healthy_p99_ms"] = max(healthy_ms)
    for store, p99_ms in away_ms.items():
        run.measured[f"{store}_away_p99_ms"] = p99_ms
        assert p99_ms <= allowed_ms, f"p99 without {store} is {p99_ms} ms, over {allowed_ms} ms"


@pytest.mark.plan("CHAOS-30")
def test_a_held_poll_answers_when_a_message_arrives(run: Run) -> None:
    """Whichever worker the message came to, and whichever one holds the poll."""
    writing, polling = run.users(4), run.users(4)
    pairs = list(zip(writing, polling, strict=True))
    run.read(*polling, wait_s=3)
    for sizes in ((2, 3, 4, 5), (5, 4, 3, 2)):
        run.send_bursts(pairs, sizes)  # the last comes as a poll begins, and nothing follows to wake it
        run.wait_for_delivery()
    run.keep_sending(pairs, every_s=0.7)
    run.wait_for_traffic(sends=16, polls=16)
    run.read_all()
    run.check(*ALL)
    slowest_s = max(delivery_delays_s(run.recorder.history()))
    assert slowest_s <= run.bounds.answers_within_s, f"a held poll's message took {slowest_s:.3f} s"


@pytest.mark.plan("CHAOS-31")
def test_held_polls_keep_their_deadlines_without_redis(run: Run) -> None:
    """Nobody can ring; the longest wait there is still ends in time, and messages still arrive."""
    alice, bob, nobody = run.users(3)
    run.read(nobody, wait_s=25)
    run.read(bob, wait_s=3)
    run.keep_sending([(alice, bob)], every_s=0.7)
    run.wait_for_traffic(sends=5, polls=5)
    with run.faults.redis_refused():
        run.wait_for_traffic(sends=10, polls=8)
    with run.faults.redis_black_holed():
        run.wait_for_traffic(sends=10, polls=8)
    run.read_all()
    run.check(*ALL)
