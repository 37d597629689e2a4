"""Chaos, Redis: lost, slow or wrong. Sends go on, nothing is lost, and the queues are right again in 2 s."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, bounded)


@pytest.mark.plan("CHAOS-09")
def test_redis_is_away_twice(run: Run) -> None:
    """Refused, then silent: after each the queues are right again by themselves."""
    _start(run)
    _fail(run, run.faults.redis_refused())
    _fail(run, run.faults.redis_black_holed())
    _end(run)


@pytest.mark.plan("CHAOS-10")
def test_redis_is_slow(run: Run) -> None:
    """Slower than anybody should wait for a cache."""
    _start(run)
    _fail(run, run.faults.redis_slow(latency_ms=300))
    _end(run)


@pytest.mark.plan("CHAOS-11")
def test_redis_flaps(run: Run) -> None:
    """Away and back several times, never long enough for anybody to settle."""
    _start(run)
    _fail(run, run.faults.redis_flapping(), sends=40, polls=8)
    _end(run)


@pytest.mark.plan("CHAOS-12")
def test_redis_is_killed_and_comes_back_empty(run: Run) -> None:
    """Everything the queues held is gone."""
    _start(run)
    _fail(run, run.faults.redis_killed())
    _end(run)


@pytest.mark.plan("CHAOS-13")
def test_redis_is_emptied_by_a_quick_restart(run: Run) -> None:
    """So quick that hardly a request fails: an empty queue must not pass for an empty mailbox."""
    alice, bob = run.users.new(2)
    for _ in range(3):
        run.messages.send_acked(alice, bob)
    # No one sends to Bob again, so only his own poll can find that his queue is gone.
    _start(run)
    with run.faults.redis_restarted():
        run.readers.start(bob, at_once=True)
    run.queues.wait_until_right(but=bob)  # his is owed nothing: it may be rebuilt when he asks
    _end(run)


@pytest.mark.plan("CHAOS-14")
def test_redis_comes_back_with_an_old_snapshot(run: Run) -> None:
    """The lists look complete, and are not: what came after the snapshot is missing."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    old = run.faults.redis_snapshot()
    for _ in range(3):
        run.messages.send_acked(alice, bob)  # nobody sends to Bob again
    run.wait.for_traffic(sends=10, polls=3)
    with run.faults.redis_restarted(back_from=old):
        run.readers.start(bob, at_once=True)
    run.queues.wait_until_right(but=bob)  # his is owed nothing: it may be rebuilt when he asks
    _end(run)


@pytest.mark.plan("CHAOS-15")
def test_redis_refuses_writes(run: Run) -> None:
    """A replica that lost its primary: it reads, so a breaker that asks with a read is deceived."""
    _start(run)
    _fail(run, run.faults.redis_read_only())
    _end(run)


@pytest.mark.plan("CHAOS-16")
def test_redis_is_out_of_memory(run: Run) -> None:
    """It reads, and refuses what needs memory."""
    _start(run)
    _fail(run, run.faults.redis_out_of_memory())
    _end(run)


@pytest.mark.plan("CHAOS-17")
def test_something_else_stands_under_the_queues_keys(run: Run) -> None:
    """A string or a hash where the list belongs, again and again."""
    _start(run)
    _fail(run, run.faults.redis_wrong_type(run.readers.usernames()))
    _end(run)


@pytest.mark.plan("CHAOS-18")
def test_queues_have_entries_that_are_no_messages(run: Run) -> None:
    """Before the newest, instead of the newest, the oldest, one between; fresh readers see the whole list."""
    _start(run)
    run.wait.for_delivery()
    mailboxes = run.readers.usernames()[:-1]  # the last one's queue is empty
    with run.faults.redis_not_json(mailboxes):
        run.wait.for_traffic(sends=20, polls=6)
    _end(run)  # an entry that nobody reads harms nobody: it may stand until then


@pytest.mark.plan("CHAOS-19")
def test_the_workers_that_owed_pushes_die(run: Run) -> None:
    """Bob is offline: nobody's poll repairs his queue, and only a durable trace tells that it lacks one."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    with run.faults.redis_refused():
        run.wait.for_traffic(sends=15, polls=5)
        run.messages.send_acked(alice, bob)
        run.senders.stop()
        with run.faults.workers_killed():
            pass
    run.queues.wait_until_right()
    run.readers.start(bob, at_once=True)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("CHAOS-32")
@pytest.mark.parametrize("demoted", [False, True], ids=["unnoticed", "as a replica meanwhile"])
def test_redis_fails_over_and_back(run: Run, demoted: bool) -> None:
    """The first one still is the process it was, and lacks what its replica was given in its place."""
    alice, bob = run.users.new(2)
    with run.faults.redis_replica() as replica:
        for _ in range(2):
            run.messages.send_acked(alice, bob)
        _start(run)
        with run.faults.redis_failed_over(replica, demoted=demoted):
            run.wait.for_traffic(sends=20, polls=4)
            for _ in range(3):
                run.messages.send_acked(alice, bob)  # nobody sends to Bob again
        run.readers.start(bob, at_once=True)
        run.queues.wait_until_right(but=bob)  # his is owed nothing: it may be rebuilt when he asks
        _end(run)


@pytest.mark.plan("CHAOS-33")
def test_redis_denies_some_commands(run: Run) -> None:
    """As a managed Redis does, or an ACL: what tells of its restarts first, then what changes anything."""
    _start(run)
    _fail(run, run.faults.redis_denying("-info"))
    _fail(run, run.faults.redis_denying("-@write", "-@scripting", "-@pubsub"))
    _end(run)


def _start(run: Run) -> None:
    run.traffic.start(every_s=0.3)
    run.wait.for_traffic(sends=10, polls=3)


def _fail(run: Run, outage: AbstractContextManager[object], *, sends: int = 20, polls: int = 6) -> None:
    with outage:
        run.wait.for_traffic(sends=sends, polls=polls)
    run.queues.wait_until_right()


def _end(run: Run) -> None:
    run.wait.for_recovery()
    run.mailboxes.read_all()
    run.check(*ALL, recovers)
    run.queues.require_right()
