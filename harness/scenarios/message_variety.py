"""Message flow: nothing is broken, and users do all that the contract allows (docs/traffic.md)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time
from harness.client import Client
from harness.run import Run

ALL = (*DELIVERY, available, bounded)
MAILBOXES = 260
HELD_FOR_S = (6, 2.5, 1)
LONG_AGO = ("2000-02-29T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z")
NOT_YET = (timedelta(hours=1), timedelta(days=1), timedelta(days=36_525))
SENDS_WHILE_AWAY = (72, 48)
"""What four users send in five seconds and in three; polls come more often where pages are small."""
DIGITS = (0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6)
"""How many digits the fractions of cursors have."""
DAYS_AGO = (2, 25)
"""Shorter than messages are retained, longer than anything is cached."""


@pytest.mark.plan("FLOW-10")
def test_everything_that_can_be_sent_is_sent(run: Run) -> None:
    """Two users send to each other and themselves until each pair of values was sent. Pages vary in size."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob, "Hello")
    run.readers.poll_once(bob)  # so it is known that the profile fits: what is odd from now on is a violation
    run.readers.start(alice, bob)
    run.readers.start(run.users.second_browser(bob), limit=1)
    run.messages.send_every_kind([(alice, bob), (bob, alice), (alice, alice), (bob, bob)])
    begins = [None, *(_timestamps(run, bob) if run.semantics.cursor == "timestamp" else [])]
    for limit in range(1, 101):
        run.readers.read_page(bob, run.random.choice(begins), limit=limit)
    slowest_s = _poll_held_though_messages_wait(run, alice) if run.has.held_polls else 0.0
    run.messages.send_acked(alice, bob)
    run.messages.send_acked(bob, bob)
    run.mailboxes.read_all()
    run.measured["pairs_sent"] = len(run.variety.sends.pairs)
    run.measured["pairs_polled"] = len(run.variety.polls.pairs)
    run.check(*ALL, on_time)
    assert slowest_s <= run.bounds.answers_within_s, (
        f"a held poll took {slowest_s:.1f} s, though a message waited"
    )


def _poll_held_though_messages_wait(run: Run, alice: Client) -> float:
    """Return how long the slowest poll took, in s, of those that could be held and had a message waiting."""
    dave = run.users.new_one()
    run.readers.poll_once(dave)
    slowest_s = 0.0
    for wait_s in HELD_FOR_S:
        run.messages.send_acked(alice, dave)
        slowest_s = max(slowest_s, run.readers.poll_once(dave, wait_s=wait_s).seconds)
    return slowest_s


@pytest.mark.plan("FLOW-11", long=True)
def test_several_hundred_mailboxes(run: Run) -> None:
    """Each user gets a message from another; one gets a message from all, and one writes to all."""
    people = run.users.new_in_parallel(MAILBOXES)
    hub, author = people[0], people[1]
    ring = list(zip(people, people[1:] + people[:1], strict=True))
    run.messages.send_in_parallel(ring)
    from_all_and_to_all = [(person, hub) for person in people] + [(author, person) for person in people]
    run.messages.send_in_parallel(from_all_and_to_all)
    for person in people:
        run.readers.read_from(person, None)
    run.mailboxes.read_all()
    run.measured["mailboxes"] = MAILBOXES
    run.check(*ALL)


@pytest.mark.plan("FLOW-12", long=True)
def test_users_come_late_leave_and_return(run: Run) -> None:
    """One gets messages before she first signs in; one leaves twice; cursors of every age are used again."""
    alice, bob, dave, erin = run.users.new(4)
    late = run.users.register()
    run.readers.start(bob, dave, at_once=True)
    run.senders.start([(alice, bob), (alice, dave), (alice, late), (dave, dave)], every_s=0.3)
    run.senders.send_many([(erin, bob)], count=3, every_s=0.1)
    run.wait.for_traffic(sends=15, polls=3)
    for sends in SENDS_WHILE_AWAY:
        run.readers.pause(dave)
        run.wait.for_traffic(sends=sends, polls=2)
        run.users.sign_in(dave)
        run.readers.resume(dave)
        run.wait.for_traffic(sends=4, polls=2)
    run.users.sign_in(late)
    run.readers.start(late, at_once=True)
    run.senders.send_many([(erin, bob), (erin, late)], count=3, every_s=0.1)  # Erin was away meanwhile
    run.senders.stop()
    twin = run.users.second_browser(dave)
    moments = _timestamps(run, dave)
    sample = run.random.sample(moments, min(12, len(moments)))
    for since in (*LONG_AGO, *_around(sample), *_not_yet()):
        run.readers.read_from(twin, run.variety.cursor(since))
    for since in map(_shortened, sample, DIGITS):
        run.readers.read_from(twin, since)
    run.messages.send_acked(alice, dave)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-13")
def test_cursors_that_are_days_old(run: Run) -> None:
    """The server's clock was behind when they were made; then a user who was away for days returns."""
    run.instances.start_with_clocks(1)
    days = run.random.randint(*DAYS_AGO)
    with run.faults.clocks_off([-days * 86_400]):
        alice, bob, carol = run.users.new(3)
        run.readers.start(bob, carol, at_once=True)
        run.senders.send_many([(alice, bob), (alice, carol)], count=8, every_s=0.05)
        run.wait.for_delivery()
        run.readers.pause(bob)
        run.senders.send_many([(alice, bob), (bob, bob)], count=8, every_s=0.05)
        run.readers.pause(carol)
    for user in (alice, bob, carol):
        run.users.sign_in(user)  # the old tokens have ended long ago
    run.senders.send_many([(alice, bob), (alice, carol)], count=4, every_s=0.05)
    old = _timestamps(run, bob)
    run.readers.resume(bob)
    run.readers.resume(carol)
    twin = run.users.second_browser(bob)
    for since in run.random.sample(old, 8):
        run.readers.read_from(twin, run.variety.cursor(since))
    run.messages.send_acked(alice, bob)
    run.messages.send_acked(alice, carol)
    run.mailboxes.read_all()
    run.check(*ALL)


def _timestamps(run: Run, user: Client) -> list[str]:
    """Return the timestamps that the server gave to the acked messages for a user."""
    sends = run.recorder.history().sends
    return [send.timestamp for send in sends if send.recipient == user.username and send.timestamp]


def _around(timestamps: list[str]) -> Iterator[str]:
    """Yield each moment, and a microsecond before it."""
    for timestamp in timestamps:
        moment = datetime.fromisoformat(timestamp).astimezone(UTC)
        yield timestamp
        yield f"{moment - timedelta(microseconds=1):%Y-%m-%dT%H:%M:%S.%f}Z"


def _shortened(timestamp: str, digits: int) -> str:
    """Return the moment, cut to `digits` digits of its fraction: the same or a little earlier."""
    moment = datetime.fromisoformat(timestamp).astimezone(UTC)
    fraction = f"{moment:.%f}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _not_yet() -> Iterator[str]:
    """Return moments in the future: no message is newer."""
    now = datetime.now(UTC)
    return (f"{now + later:%Y-%m-%dT%H:%M:%S.%f}Z" for later in NOT_YET)
