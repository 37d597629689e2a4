"""Chaos, Redis: lost, slow or wrong. Sends go on, nothing is lost, and the queues are right again in 2 s."""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, recovers
from harness.run import Run

ALL = (*DELIVERY, on_time, available, bounded)


@pytest.mark.plan("CHAOS-09")
def test_redis_is_away_twice(run: Run) -> None:
    """Redis refuses, then goes silent: after each the queues become right again by themselves."""
    _start(run)
    _fail(run, run.faults.redis_refused())
    _fail(run, run.faults.redis_black_holed())
    _end(run)


@pytest.mark.plan("CHAOS-10")
def test_redis_is_slow(run: Run) -> None:
    """Redis is slower than a server should wait for a cache."""
    _start(run)
    _fail(run, run.faults.redis_slow(latency_ms=300))
    _end(run)


@pytest.mark.plan("CHAOS-11")
def test_redis_flaps(run: Run) -> None:
    """Redis is away and back several times, never for long."""
    _start(run)
    _fail(run, run.faults.redis_flapping(), sends=40, polls=8)
    _end(run)


@pytest.mark.plan("CHAOS-12")
def test_redis_is_killed_and_comes_back_empty(run: Run) -> None:
    """All queues are lost."""
    _start(run)
    _fail(run, run.faults.redis_killed())
    _end(run)


@pytest.mark.plan("CHAOS-13")
def test_redis_is_emptied_by_a_quick_restart(run: Run) -> None:
    """Hardly any request fails: the server must not take an empty queue for an empty mailbox."""
    alice, bob = run.users.new(2)
    for _ in range(3):
        run.messages.send_acked(alice, bob)
    # No one sends to Bob again, so only his own poll can find that his queue is gone.
    _start(run)
    with run.faults.redis_restarted():
        run.readers.start(bob, at_once=True)
    run.queues.wait_until_right(but=bob)  # a queue that lacks nothing may be rebuilt only when he polls
    _end(run)


@pytest.mark.plan("CHAOS-14")
def test_redis_comes_back_with_an_old_snapshot(run: Run) -> None:
    """The queues look complete, but what came after the snapshot is missing."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    _start(run)
    old = run.faults.redis_snapshot()
    for _ in range(3):
        run.messages.send_acked(alice, bob)  # no one sends to Bob again
    run.wait.for_traffic(sends=10, polls=3)
    with run.faults.redis_restarted(back_from=old):
        run.readers.start(bob, at_once=True)
    run.queues.wait_until_right(but=bob)  # a queue that lacks nothing may be rebuilt only when he polls
    _end(run)


@pytest.mark.plan("CHAOS-15")
def test_redis_refuses_writes(run: Run) -> None:
    """Redis is a replica that lost its primary: reads work, so a probe that reads finds nothing wrong."""
    _start(run)
    _fail(run, run.faults.redis_read_only())
    _end(run)


@pytest.mark.plan("CHAOS-16")
def test_redis_is_out_of_memory(run: Run) -> None:
    """Reads work, and commands that need memory are refused."""
    _start(run)
    _fail(run, run.faults.redis_out_of_memory())
    _end(run)


@pytest.mark.plan("CHAOS-17")
def test_keys_of_queues_hold_another_type(run: Run) -> None:
    """A string or a hash replaces the list, again and again."""
    _start(run)
    _fail(run, run.faults.redis_wrong_type(run.readers.usernames()))
    _end(run)


@pytest.mark.plan("CHAOS-18")
def test_queues_have_entries_that_are_not_messages(run: Run) -> None:
    """They come before or replace the newest, the oldest or another one. New consumers read whole lists."""
    _start(run)
    run.wait.for_delivery()
    mailboxes = run.readers.usernames()[:-1]  # the last one's queue is empty
    with run.faults.redis_not_json(mailboxes):
        run.wait.for_traffic(sends=20, polls=6)
    _end(run)  # a bad entry may stay until the mailbox is read


@pytest.mark.plan("CHAOS-19")
def test_the_workers_that_owed_pushes_die(run: Run) -> None:
    """Bob is offline: no poll repairs his queue, and only a durable record shows what it lacks."""
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
    """The old primary is the same process as before, but lacks what was written to its replica."""
    alice, bob = run.users.new(2)
    with run.faults.redis_replica() as replica:
        for _ in range(2):
            run.messages.send_acked(alice, bob)
        _start(run)
        with run.faults.redis_failed_over(replica, demoted=demoted):
            run.wait.for_traffic(sends=20, polls=4)
            for _ in range(3):
                run.messages.send_acked(alice, bob)  # no one sends to Bob again
            run.wait.for_traffic(sends=20, polls=4)  # until no worker remembers those as just pushed
        run.readers.start(bob, at_once=True)
        run.queues.wait_until_right(but=bob)  # a queue that lacks nothing may be rebuilt only when he polls
        _end(run)


@pytest.mark.plan("CHAOS-48")
def test_redis_fails_over_and_back_while_no_one_polls(run: Run) -> None:
    """The instance that Bob polls sees neither: it may be at rest, and its list in Redis is as it was."""
    used, unused = run.instances.start_several(2)
    alice, carol = (run.users.new_one(at=used.base_url) for _ in range(2))
    bob = run.users.new_one(at=unused.base_url)
    with run.faults.redis_replica() as replica:
        run.messages.send_acked(alice, bob)
        run.readers.poll_once(bob)
        run.senders.send_many([(alice, carol)], count=10, every_s=0.4)  # no one polls for four seconds
        with run.faults.redis_failed_over(replica):
            for _ in range(3):
                run.messages.send_acked(alice, bob)
        run.readers.start(bob, carol, at_once=True)
        run.mailboxes.read_all()
        run.check(*DELIVERY, on_time, bounded)
        run.queues.require_right()


@pytest.mark.plan("CHAOS-33")
def test_redis_denies_some_commands(run: Run) -> None:
    """As an ACL or a managed Redis can: first INFO, which shows restarts, then all that writes."""
    _start(run)
    _fail(run, run.faults.redis_denying("-info"))
    _fail(run, run.faults.redis_denying("-@write", "-@scripting", "-@pubsub"))
    _end(run)


@pytest.mark.plan("CHAOS-45")
def test_connections_to_redis_are_cut(run: Run) -> None:
    """Notifications are lost: what a worker knew of a mailbox before is wrong when it is connected again."""
    writing, polling = run.users.new(4), run.users.new(20)
    pairs = list(zip(itertools.cycle(writing), polling, strict=False))
    run.readers.start(*polling)
    run.senders.send_many(pairs, count=1, every_s=0.3)
    run.wait.for_delivery()  # from now on they poll with a cursor
    _start(run)
    run.wait.for_traffic(sends=0, polls=2 * len(polling))  # so that workers know that there is nothing new
    with run.faults.redis_cut():
        run.wait.for_traffic(sends=3, polls=10)
        run.senders.send_many(pairs, count=1, every_s=2.0)  # over several cuts; no one sends to them again
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
