"""Chaos, order: many senders, several workers and instances, wrong clocks. No cursor passes a message."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, contiguous, on_time, retention_told
from harness.client import Client
from harness.run import Run

ALL = (*DELIVERY, contiguous, on_time, available, bounded)


@pytest.mark.plan("CHAOS-01")
def test_many_write_to_one_mailbox(run: Run) -> None:
    """All send at the same moments, and all readers see the same order, one of them with small pages.

    One more holds its polls open, so that it sees the mailbox between any two messages.
    """
    bob, *others = run.users.new(7)
    if run.has.held_polls:
        run.readers.start(run.users.second_browser(bob), wait_s=3)
    _all_write_to_one(run, others, bob)
    run.wait.for_traffic(sends=140, polls=16)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("CHAOS-02")
def test_the_clocks_of_two_instances_are_minutes_apart(run: Run) -> None:
    """Clients alternate between the two, so successive messages have timestamps of different clocks."""
    run.instances.start_with_clocks(2)
    with run.faults.clocks_off([-180, 180]):
        _write_by_turns_at_two_instances(run)
        run.wait.for_traffic(sends=50, polls=8)
    run.wait.for_traffic(sends=40, polls=6)  # one clock has stepped back three minutes
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("CHAOS-03")
def test_a_clock_steps_back_while_the_server_runs(run: Run) -> None:
    """It steps forward and back twice a second; the clock of a second instance is right."""
    run.instances.start_with_clocks(2)
    _write_by_turns_at_two_instances(run)
    with run.faults.clocks_stepping([120, -60, 45, -240, 0]):
        run.wait.for_traffic(sends=60, polls=10)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("CHAOS-04")
def test_everything_happens_at_the_same_time(run: Run) -> None:
    """The clocks of two instances stand still: their time alone cannot be a cursor."""
    run.instances.start_with_clocks(2)
    with run.faults.clocks_stopped():
        _write_by_turns_at_two_instances(run)
        run.wait.for_traffic(sends=60, polls=10)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("CHAOS-05")
def test_more_than_a_thousand_messages_wait_for_a_client(run: Run) -> None:
    """A client with a cursor gets every message, page by page, though the queue has dropped the oldest."""
    bob, *others = run.users.new(5)
    run.readers.start(bob, at_once=True)
    run.messages.send_acked(others[0], bob)
    run.wait.for_delivery()
    run.readers.pause(bob)
    run.senders.send_many([(other, bob) for other in others], count=252, every_s=0.03)
    run.readers.resume(bob)
    run.mailboxes.read_all()
    run.check(*DELIVERY, retention_told, contiguous, available, bounded)
    run.queues.require_right()


@pytest.mark.plan("CHAOS-35")
def test_a_gap_is_reported_where_retention_ends_and_nowhere_else(run: Run) -> None:
    """Cursors are before the oldest retained message or exactly at it, and one mailbox is just full."""
    bob, carol, *others = run.users.new(6)
    for other in others:
        run.messages.send_acked(other, bob)
        run.readers.poll_once(run.users.second_browser(bob))
    each, rest = divmod(run.bounds.retained_messages, len(others))
    for reader in (bob, carol):
        run.senders.send_many([(other, reader) for other in others], count=each, every_s=0.03)
        for _ in range(rest):
            run.messages.send_acked(others[0], reader)
        run.readers.poll_once(reader)
    run.mailboxes.read_all()
    run.check(*DELIVERY, retention_told, available)


def _write_by_turns_at_two_instances(run: Run) -> None:
    """Let four users send five messages a second each, after each has said hello."""
    bob, *others = run.users.new(5)
    for other in others:
        run.messages.send_acked(other, bob)
    _all_write_to_one(run, others, bob)


def _all_write_to_one(run: Run, others: list[Client], bob: Client) -> None:
    """Let Bob read in two browsers; for the one with small pages, more than a page waits at each poll.

    He writes to himself as well.
    """
    run.readers.start(bob)
    run.readers.start(run.users.second_browser(bob), limit=10)
    pairs = [*((other, bob) for other in others), (bob, bob)]
    run.senders.start(pairs, every_s=0.2, in_step=True)
