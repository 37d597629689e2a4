"""Chaos, bounds: no request waits for a store that is away, and held polls keep their deadlines."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, delivery_delays_s, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, bounded)
FLOOR_MS = 20.0
"""A p99 below this is good enough: twice a smaller one is noise of the machine."""


@pytest.mark.plan("CHAOS-29")
def test_nobody_waits_for_a_store_that_is_away(run: Run) -> None:
    """`available` allows 1 s for the first requests after the store goes silent; later ones must not wait.

    The healthy p99 is measured before, between and after, so that a busy moment of the machine does not count
    against the server.
    """
    run.traffic.start(every_s=0.5)
    pair = (run.users.new_one(), run.users.new_one())
    healthy_ms, away_ms = [run.measure.p99_ms(pair, rounds=100)], {}
    for store, fault in (
        ("redis", run.faults.redis_black_holed),
        ("mongodb", run.faults.mongodb_black_holed),
    ):
        with fault():
            run.wait.for_traffic(sends=8, polls=5)  # the breakers open
            away_ms[store] = run.measure.p99_ms(pair, rounds=100)
        run.wait.for_traffic(sends=16, polls=5)
        healthy_ms.append(run.measure.p99_ms(pair, rounds=100))
    run.mailboxes.read_all()
    run.check(*ALL, recovers)
    allowed_ms = 2 * max(*healthy_ms, FLOOR_MS)
    run.measured["healthy_p99_ms"] = max(healthy_ms)
    for store, p99_ms in away_ms.items():
        run.measured[f"{store}_away_p99_ms"] = p99_ms
        assert p99_ms <= allowed_ms, f"p99 without {store} is {p99_ms} ms, over {allowed_ms} ms"


@pytest.mark.plan("CHAOS-30")
def test_a_held_poll_answers_when_a_message_arrives(run: Run) -> None:
    """It answers whichever worker got the message, and whichever holds the poll."""
    writing, polling = run.users.new(4), run.users.new(4)
    pairs = list(zip(writing, polling, strict=True))
    run.readers.start(*polling, wait_s=3)
    for sizes in ((2, 3, 4, 5), (5, 4, 3, 2)):
        # The last message of a burst comes as a poll begins, and nothing follows to wake it.
        run.messages.send_bursts(pairs, sizes)
        run.wait.for_delivery()
    run.senders.start(pairs, every_s=0.7)
    run.wait.for_traffic(sends=16, polls=16)
    run.mailboxes.read_all()
    run.check(*ALL)
    slowest_s = max(delivery_delays_s(run.recorder.history()))
    assert slowest_s <= run.bounds.answers_within_s, f"a held poll's message took {slowest_s:.3f} s"


@pytest.mark.plan("CHAOS-31", long=True)
def test_held_polls_keep_their_deadlines_without_redis(run: Run) -> None:
    """No worker can notify another; the longest wait still ends in time, and messages still arrive."""
    alice, bob, idle = run.users.new(3)
    run.readers.start(idle, wait_s=25)
    run.readers.start(bob, wait_s=3)
    run.senders.start([(alice, bob)], every_s=0.7)
    run.wait.for_traffic(sends=5, polls=5)
    with run.faults.redis_refused():
        run.wait.for_traffic(sends=10, polls=8)
    with run.faults.redis_black_holed():
        run.wait.for_traffic(sends=10, polls=8)
    run.mailboxes.read_all()
    run.check(*ALL)
