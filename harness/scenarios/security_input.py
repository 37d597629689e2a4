"""Security, input: hostile input is stored as plain data, or refused.

Meanwhile two users write to each other, and a third polls an empty mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.adapters.manners import Manner
from harness.checkers import available, cursor, no_loss, no_phantom, refuses
from harness.client import Client
from harness.run import Run
from harness.run.hostile import inputs as hostile
from harness.run.hostile.attempts import Intruder, shown


@pytest.mark.plan("SEC-06")
def test_malformed_and_oversized_requests_are_refused(run: Run) -> None:
    """Each is answered, and never with a 5xx."""
    bob, mallory = _start(run)
    statuses = run.statuses
    for what, body in hostile.malformed_bodies(bob.username, run.wire).items():
        for operation in ("send", "sign_in", "register"):
            mallory.tries(f"{operation} {what}", operation, {}, body=body, expected=statuses.invalid)
    for what, body in hostile.oversized_bodies(bob.username, run.wire).items():
        mallory.tries(f"send {what}", "send", {}, body=body, expected=statuses.too_large)
    for kind in hostile.CONTENT_TYPES:
        headers = {"Content-Type": kind}
        what = f"send {kind!r}"
        mallory.tries(what, "send", {}, body=b"<xml/>", headers=headers, expected=statuses.wrong_type)
    if run.wire.send.client_message_id:
        _reuse_an_id(run, mallory, bob)
    own, lenient = {"username": mallory.client.username}, _may_be_ignored(run)
    for parameters in _known_to(run, hostile.POLL_PARAMETERS):
        expected = statuses.invalid | (run.wire.poll.ok if lenient & parameters.keys() else set())
        mallory.tries(f"poll with {shown(parameters)}", "poll", own | parameters, expected=expected)
    _end(run)


@pytest.mark.plan("SEC-07")
def test_names_carry_no_commands(run: Run) -> None:
    """A name becomes part of keys, paths and log lines: it must not contain their special characters."""
    bob, mallory = _start(run)
    statuses = run.statuses
    for name in hostile.names(bob.username):
        who = shown(name)
        new = {"username": name, "password": "a long password"}
        mallory.tries(f"register as {who}", "register", new, expected=statuses.invalid)
        mailbox = {"username": name}
        mallory.tries(f"poll the mailbox of {who}", "poll", mailbox, expected=statuses.no_such_mailbox)
        unknown = statuses.invalid | statuses.unknown_user
        if run.wire.history.path:
            mallory.tries(f"read with {who}", "history", {"other": name}, expected=unknown)
        to = {"recipient": name, "content": "hi"}
        mallory.tries(f"send to {who}", "send", to, expected=unknown)
        claim = {"recipient": bob.username, "content": "hi", "sender": name}
        if run.wire.send.sender:
            mallory.tries(f"send as {who}", "send", claim, expected=statuses.invalid | statuses.forbidden)
    _end(run)


@pytest.mark.plan("SEC-08")
def test_content_carries_no_commands(run: Run) -> None:
    """It arrives exactly as it was sent, or is refused: `no-phantom` compares."""
    bob, mallory = _start(run)
    statuses = run.statuses
    for content in hostile.TEXTS:
        answer = run.messages.send(mallory.client, bob, content)
        mallory.tried(f"send {shown(content)}", answer, expected=run.wire.send.ok | statuses.invalid)
        own_id = {"recipient": bob.username, "content": " ", "client_message_id": content[:64]}
        mallory.tries(f"send nothing as {shown(content)}", "send", own_id, expected=statuses.invalid)
    _end(run)


def _reuse_an_id(run: Run, mallory: Intruder, bob: Client) -> None:
    used = f"{run.random.getrandbits(64):016x}"
    run.messages.send_acked(mallory.client, bob, manner=Manner("one content", used))
    other = {"recipient": bob.username, "content": "another", "client_message_id": used}
    mallory.tries("send another content as a retry", "send", other, expected=run.statuses.id_reused)


def _known_to(run: Run, every: Iterable[hostile.Parameters]) -> list[hostile.Parameters]:
    """Return the parameters that a poll of this server has; only a timestamp can be a wrong one."""
    known = {name for name in run.wire.poll.REQUEST if getattr(run.wire.poll, name)}
    known -= set() if (run.semantics.cursor, run.wire.timestamps) == ("timestamp", "text") else {"since"}
    return [parameters for parameters in every if parameters.keys() <= known]


def _may_be_ignored(run: Run) -> set[str]:
    """Return the parameters of a poll whose invalid values may be accepted by the server's policy."""
    ignored = {
        "since": run.policy.malformed_since == "ignored",
        "limit": run.policy.limit_outside == "clamped",
        "wait": not run.has.held_polls,
    }
    return {name for name, is_ignored in ignored.items() if is_ignored}


def _start(run: Run) -> tuple[Client, Intruder]:
    """Let Alice write to Bob, who polls; return Bob, and Mallory, who must not see what they write."""
    alice, bob, idle, mallory = run.users.new(4)
    secret = f"secret {run.random.getrandbits(64):016x}"
    run.readers.start(bob, idle)
    run.messages.send_acked(alice, bob, secret)
    run.senders.start([(alice, bob)], every_s=0.25)
    return bob, Intruder(mallory, run.recorder, [secret])


def _end(run: Run) -> None:
    run.wait.for_traffic(sends=2, polls=0)
    run.mailboxes.read_all()
    run.check(refuses, no_loss, cursor, no_phantom, available)
