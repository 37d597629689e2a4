"""Chaos, MongoDB: lost or slow. No acked message is ever gone, and refusals are honest."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, contiguous, on_time, recovers
from harness.run import Run, certain
from harness.verdict import Checker

ALL = (*DELIVERY, on_time, available, recovers, bounded)


@pytest.mark.plan("CHAOS-20")
def test_mongodb_is_away_twice(run: Run) -> None:
    """MongoDB refuses, then goes silent; queues as the contract has them stay complete: polls can go on."""
    _start(run)
    for outage in (run.faults.mongodb_refused, run.faults.mongodb_black_holed):
        with outage():
            run.wait.for_traffic(sends=20, polls=6)
        run.wait.for_traffic(sends=10, polls=3)
    _end(run)
    served = not run.knows_queues or run.seen.polls_served_without("mongodb")
    assert served, "no poll was served from Redis while MongoDB was away"


@pytest.mark.plan("CHAOS-21")
def test_mongodb_is_slow(run: Run) -> None:
    """Some sends time out: whether they were stored is unknown, and the answer says so.

    A server may stop asking after a few such answers, so many sends are under way when the fault begins.
    """
    _start(run, pairs=8)
    with run.faults.mongodb_slow(latency_ms=300):
        run.wait.for_traffic(sends=40, polls=16)
    _end(run)


@pytest.mark.plan("CHAOS-22")
def test_mongodb_is_killed_and_started_again(run: Run) -> None:
    """Every message that was acked before the kill must be on the disk."""
    _start(run, every_s=0.1)
    with run.faults.mongodb_killed():
        run.wait.for_traffic(sends=30, polls=6)
    _end(run)


@pytest.mark.plan("CHAOS-23")
def test_both_stores_are_away(run: Run) -> None:
    """Every request is answered 503; afterwards everything works as before."""
    _start(run)
    with run.faults.redis_refused(), run.faults.mongodb_black_holed():
        run.wait.for_traffic(sends=20, polls=6)
    _end(run)


@pytest.mark.plan("CHAOS-24")
def test_two_faults_overlap_as_the_seed_will_have_it(run: Run) -> None:
    """Each run of the plan tries another combination; the seed names it."""
    of_redis = (run.faults.redis_refused, run.faults.redis_black_holed, run.faults.redis_slow)
    more_of_redis = (run.faults.redis_killed, run.faults.redis_read_only, run.faults.redis_flapping)
    of_mongodb = (run.faults.mongodb_refused, run.faults.mongodb_black_holed, run.faults.mongodb_slow)
    first, second = run.random.choice(of_redis + more_of_redis), run.random.choice(of_mongodb)
    if run.random.random() < 0.5:
        first, second = second, first
    _start(run)
    with first():
        run.wait.for_traffic(sends=10, polls=4)
        with second():
            run.wait.for_traffic(sends=12, polls=6)
        run.wait.for_traffic(sends=8, polls=3)
    _end(run)


@pytest.mark.plan("CHAOS-49")
def test_many_write_to_one_mailbox_while_mongodb_fails(run: Run) -> None:
    """A server may store together what many send: what becomes of one says nothing about the others."""
    bob, *others = run.users.new(7)
    for _ in range(4):
        run.readers.start(run.users.second_browser(bob))
    run.senders.start([(other, bob) for other in others], every_s=0.25, in_step=True)
    run.wait.for_traffic(sends=12, polls=4)
    for outage in (run.faults.mongodb_slow, run.faults.mongodb_black_holed):
        with outage():
            run.wait.for_traffic(sends=24, polls=6)
        run.wait.for_traffic(sends=12, polls=4)
    _end(run, contiguous)


def _start(run: Run, *, pairs: int = 4, every_s: float = 0.3) -> None:
    run.traffic.start(pairs=pairs, every_s=every_s)
    run.wait.for_traffic(sends=10, polls=3)


def _end(run: Run, *more: Checker) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    try:
        run.check(*ALL, *more)
        run.queues.require_right()
    finally:  # also where the machine was too busy for the checks
        is_said = not run.wire.send.outcome or not run.seen.refusals_without_outcome()
        certain(is_said, "a send was answered 503 without an outcome")
