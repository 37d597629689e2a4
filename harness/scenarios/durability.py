"""Durability: stores lose power, cannot write or have damaged files. An ack survives, or nothing is acked."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, recovers, bounded)
LONGER_THAN_KEPT_DAYS = 40
"""What is kept for 30 days is gone then."""
TEXT = "The price is 100"


@pytest.mark.plan("DURABLE-01")
def test_the_power_fails(run: Run) -> None:
    """MongoDB first: a send without Redis would make it sync what the sends before it did not wait for."""
    _start(run, every_s=0.1)
    _fail(run, run.faults.mongodb_restarted())
    run.wait.for_traffic(sends=20, polls=4)  # now it must be in use again
    with run.faults.mongodb_power_cut():
        _fail(run, run.faults.redis_killed())
    _end(run)


@pytest.mark.plan("DURABLE-02")
def test_there_is_no_space_for_mongodb(run: Run) -> None:
    """It ends in the middle of a write, and comes back when there is space."""
    _start(run, every_s=0.1)
    _fail(run, run.faults.mongodb_disk_full())
    _end(run)


@pytest.mark.plan("DURABLE-03")
def test_there_is_no_space_for_redis(run: Run) -> None:
    """It cannot save a snapshot, and so refuses writes; reads work."""
    _start(run)
    _fail(run, run.faults.redis_disk_full())
    run.queues.wait_until_right()
    _end(run)


@pytest.mark.plan("DURABLE-04")
def test_redis_refuses_its_damaged_snapshot(run: Run) -> None:
    """It does not start until it may do so without: an operator removes the snapshot."""
    _start(run)
    how = run.random.choice(["cut short", "flipped"])
    _fail(run, run.faults.redis_dump_damaged(how))
    run.queues.wait_until_right()
    _end(run)


@pytest.mark.plan("DURABLE-05")
def test_redis_comes_back_with_an_altered_message(run: Run) -> None:
    """The queue lacks nothing, and its entry is a message: only MongoDB knows that it is another one."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob, TEXT)
    _start(run)
    with run.faults.redis_altered(bob.username, TEXT):
        run.readers.start(bob, at_once=True)
        run.wait.for_poll(bob)
    run.queues.wait_until_right(but=bob)
    _end(run)


@pytest.mark.plan("DURABLE-06")
def test_the_clocks_of_the_stores_jump_ahead(run: Run) -> None:
    """Whatever either store deletes by its clock is deleted: in Redis everything that has a TTL."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    _fail(run, run.faults.mongodb_restarted_with_clock())
    with run.faults.mongodb_clock_ahead(days=LONGER_THAN_KEPT_DAYS):
        _fail(run, run.faults.redis_expired([bob.username, *run.readers.usernames()]))
    run.readers.start(bob, at_once=True)
    _end(run)


def _start(run: Run, *, every_s: float = 0.3) -> None:
    run.traffic.start(every_s=every_s)
    run.wait.for_traffic(sends=10, polls=3)


def _fail(run: Run, outage: AbstractContextManager[object]) -> None:
    with outage:
        run.wait.for_traffic(sends=8, polls=6)


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL)
    run.queues.require_right()
