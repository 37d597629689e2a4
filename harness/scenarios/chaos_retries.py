"""Chaos, safe retries: with one `client_message_id` a message is one message, however often it is sent."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Inconclusive, Run, certain

ALL = (*DELIVERY, on_time, available, bounded)
ENOUGH_ROUNDS = 6


@pytest.mark.plan("CHAOS-06")
def test_one_message_is_sent_several_times_at_once(run: Run) -> None:
    """Five copies go over five connections, and so to different workers; one more when all were read."""
    alice, bob = run.users.new(2)
    run.readers.start(bob)
    for number in range(20):
        if number % 4 == 0:
            alice.close()  # the next ones go over new connections, and to other workers
        last = run.messages.send_copies(alice, bob, copies=5)
    run.wait.for_delivery()
    run.messages.send_copies(alice, bob, copies=1, of=last)
    run.mailboxes.read_all()
    try:
        run.check(*ALL)
    finally:  # also where the machine was too busy for the checks
        certain(
            run.seen.unmarked_replays() == 0,
            "of five copies of a message, more than one was acked without `replayed`",
        )


@pytest.mark.plan("CHAOS-07")
def test_clients_retry_through_outages(run: Run) -> None:
    """Redis goes silent, then MongoDB does: a client without a definite answer sends the same again."""
    run.traffic.start(every_s=0.2, retrying=True)
    run.wait.for_traffic(sends=10, polls=3)
    with run.faults.redis_black_holed():
        run.wait.for_traffic(sends=20, polls=6)
    with run.faults.mongodb_black_holed():
        run.wait.for_traffic(sends=20, polls=6)
    _end(run)


@pytest.mark.plan("CHAOS-08")
def test_workers_are_killed_between_insert_and_push(run: Run) -> None:
    """The retry must find the message that was stored, but neither acked nor pushed."""
    run.traffic.start(every_s=0.2, retrying=True)
    run.wait.for_traffic(sends=20, polls=3)
    for _ in range(ENOUGH_ROUNDS):
        with run.faults.workers_killed_in_mid_push(run.seen.a_send_hangs):
            run.wait.for_traffic(sends=8, polls=2)
        run.queues.wait_until_right()
        if run.seen.replays():
            break
    _end(run)
    if not run.seen.replays():
        raise Inconclusive("no worker was ever killed between its insert and its push")


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL, recovers)
    run.queues.require_right()
