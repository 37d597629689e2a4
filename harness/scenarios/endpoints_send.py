"""The send endpoint: what it refuses, what it accepts, and what it answers without one of its stores."""

from __future__ import annotations

import pytest

from harness.adapters.manners import Manner
from harness.checkers import DELIVERY, available, refuses
from harness.client import Client
from harness.run import Run
from harness.run.hostile.attempts import Intruder

ALL = (*DELIVERY, available)
EMPTY = ("", " ", "\t\r\n", "\u3000")
ROUNDS = 6
"""Enough sends and polls in a fault window to judge the server."""


@pytest.mark.plan("SEND-01")
def test_empty_content_is_refused(run: Run) -> None:
    """White space alone is empty, too, and so is content that is missing."""
    alice, bob = run.users.new(2)
    sender = Intruder(alice, run.recorder)
    for content in EMPTY:
        answer = run.messages.send(alice, bob, content)
        sender.tried(f"send {content!r}", answer, expected=run.statuses.invalid)
    sender.tries("send nothing", "send", {"recipient": bob.username}, expected=run.statuses.invalid)
    _end(run, alice, bob, refused=True)


@pytest.mark.plan("SEND-02")
def test_content_over_the_limit_is_refused(run: Run) -> None:
    """One character more than the limit is too much, the limit is not. Characters count, not bytes."""
    alice, bob = run.users.new(2)
    sender = Intruder(alice, run.recorder)
    limit = run.policy.longest_message
    for character in ("x", "é", "\U0001f389"):
        run.messages.send_acked(alice, bob, character * limit)
        answer = run.messages.send(alice, bob, character * (limit + 1))
        sender.tried(f"send {limit + 1} times {character!a}", answer, expected=run.statuses.too_large)
    _end(run, alice, bob, refused=True)


@pytest.mark.plan("SEND-03")
def test_an_unknown_recipient_is_not_found(run: Run) -> None:
    """No user has this name, and nothing is stored for one who registers it later."""
    alice, bob = run.users.new(2)
    sender = Intruder(alice, run.recorder)
    message = {"recipient": f"nobody_{run.random.getrandbits(32):08x}", "content": "hello?"}
    sender.tries("send to an unknown user", "send", message, expected=run.statuses.unknown_user)
    _end(run, alice, bob, refused=True)


@pytest.mark.plan("SEND-04")
def test_a_message_is_stored_and_queued(run: Run) -> None:
    """As JSON and as a form: the answer says so, and the conversation and the queue in Redis have it."""
    alice, bob, carol = run.users.new(3)
    by_json = run.messages.send_acked(alice, bob, manner=Manner("by JSON", None))
    spelling = "a form" if run.has.forms else "JSON"
    by_form = run.messages.send_acked(alice, carol, manner=Manner("by form", None, spelling))
    for answer, recipient in ((by_json, bob), (by_form, carol)):
        assert answer.said.queued is not False, "a message was not queued in Redis"
        history = alice.history(recipient.username).said.messages
        assert [one.id for one in history] == [answer.said.id], "MongoDB does not have the message"
    run.queues.require_right()
    run.readers.start(carol, at_once=True)
    _end(run, alice, bob)


@pytest.mark.plan("SEND-05")
def test_sends_without_redis_are_accepted(run: Run) -> None:
    """MongoDB stores them, so they are accepted, and delivered meanwhile or afterwards."""
    alice, bob = run.users.new(2)
    with run.faults.redis_refused():
        for _ in range(ROUNDS):
            run.messages.send_acked(alice, bob)
            run.readers.poll_once(bob)
    _end(run, alice, bob)


@pytest.mark.plan("SEND-06")
def test_sends_without_mongodb_are_refused(run: Run) -> None:
    """They are answered 503 and not stored in part: no queue has them, and they never arrive."""
    alice, bob = run.users.new(2)
    run.messages.send_acked(alice, bob)
    with run.faults.mongodb_refused():
        for _ in range(ROUNDS):
            answer = run.messages.send(alice, bob)
            assert answer.status == 503, f"a send without MongoDB was answered {answer.status or 'nothing'}"
            run.readers.poll_once(bob)
    _end(run, alice, bob)


def _end(run: Run, alice: Client, bob: Client, *, refused: bool = False) -> None:
    """Check that messages arrive, and nothing that was refused."""
    for _ in range(2):
        run.messages.send(alice, bob, retrying=True)  # just after a fault the first may still be refused
    run.readers.start(bob, at_once=True)
    run.mailboxes.read_all()
    run.check(*ALL, *([refuses] if refused else []))
