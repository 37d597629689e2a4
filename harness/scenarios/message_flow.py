"""Message flow: users write to each other, and nothing is broken."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, on_time, refuses
from harness.run import Run
from harness.run.hostile.attempts import Intruder

ALL = (*DELIVERY, on_time, available, bounded)


@pytest.mark.plan("FLOW-01")
def test_two_users_exchange_a_message_and_a_reply(run: Run) -> None:
    """There are three rounds, so that the polls come at different moments."""
    alice, bob = run.users.new(2)
    run.readers.start(alice, bob)
    for _ in range(3):
        run.messages.send_acked(alice, bob)
        run.wait.for_delivery()
        run.messages.send_acked(bob, alice)
        run.messages.send_acked(bob, bob)
        run.wait.for_delivery()
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-02")
def test_messages_wait_for_an_offline_recipient(run: Run) -> None:
    """The messages are in both stores before the recipient first signs in."""
    alice, bob = run.users.new_one(), run.users.register()
    answers = [run.messages.send_acked(alice, bob) for _ in range(3)]
    assert False not in [answer.said.queued for answer in answers], "a message was not queued in Redis"
    run.users.sign_in(bob)
    run.readers.start(bob, at_once=True)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-03")
def test_two_conversations_of_three_users_stay_apart(run: Run) -> None:
    """`no-phantom` fails for a message in another user's mailbox. The names look alike."""
    alice, bob, carol = run.users.new_with_similar_names()
    run.readers.start(alice, bob, carol)
    pairs = [(alice, bob), (bob, alice), (alice, carol), (carol, alice), (carol, carol)]
    run.senders.send_many(pairs, count=5, every_s=0.4)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-04")
def test_the_recipients_network_is_cut_and_comes_back(run: Run) -> None:
    """Only Bob is cut off; what was sent meanwhile arrives within the promised time after the heal."""
    alice = run.users.new_one()
    with run.faults.network_of_a_client() as way:
        bob = run.users.new_one(at=way)
        run.readers.start(bob)
        run.messages.send_acked(alice, bob)
        run.wait.for_delivery()
        with run.faults.client_cut():
            for _ in range(5):
                run.messages.send_acked(alice, bob)
            run.wait.for_traffic(sends=0, polls=1)
        run.wait.for_delivery()
        arrived_after_s = round(run.seen.seconds_since_heal(), 3)
        run.measured["arrived_after_s"] = arrived_after_s
        run.mailboxes.read_all()
    run.check(*ALL)
    promised_s = run.bounds.delivered_within_s + run.bounds.acceptable_round_trip_s
    assert arrived_after_s <= promised_s, f"the last came {arrived_after_s} s after Bob's network was back"


@pytest.mark.plan("FLOW-05", long=True)
def test_ten_users_send_at_once(run: Run) -> None:
    """They send in a ring, and all into one mailbox at the same time."""
    people = run.users.new(10)
    run.readers.start(*people)
    run.wait.for_traffic(sends=0, polls=2 * len(people))  # all of them poll before the first send
    ring = list(zip(people, people[1:] + people[:1], strict=True))
    everyone_to_the_first = [(person, people[0]) for person in people]
    run.senders.send_many(ring + everyone_to_the_first, count=12, every_s=0.5)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-06")
def test_rapid_sending(run: Run) -> None:
    """One user sends ten messages a second to another: more than one page between two polls."""
    alice, bob = run.users.new(2)
    run.readers.start(bob)
    run.senders.send_many([(alice, bob), (bob, bob)], count=80, every_s=0.1)
    run.mailboxes.read_all()
    run.check(*ALL)


@pytest.mark.plan("FLOW-07")
def test_a_message_of_ten_thousand_characters_is_refused(run: Run) -> None:
    """The longest legal one arrives as it was sent; `no-phantom` fails if the other arrives."""
    alice, bob = run.users.new(2)
    run.readers.start(bob)
    run.messages.send_acked(alice, bob, "é" * run.policy.longest_message)
    sender = Intruder(alice, run.recorder)
    for length in (10_000, 10_001):
        answer = run.messages.send(alice, bob, "x" * length)
        sender.tried(f"send {length} characters", answer, expected=run.statuses.too_large)
    run.messages.send_acked(alice, bob)
    run.mailboxes.read_all()
    run.check(*ALL, refuses)


@pytest.mark.plan("FLOW-09")
def test_one_user_in_two_browsers(run: Run) -> None:
    """Both browsers receive every message once, in the same order."""
    alice, bob = run.users.new(2)
    run.readers.start(bob, run.users.second_browser(bob))
    run.senders.send_many([(alice, bob), (bob, bob)], count=20, every_s=0.25)
    run.mailboxes.read_all()
    run.check(*ALL)
