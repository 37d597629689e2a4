"""Security, input: whatever comes in is taken for what it is, or refused.

While somebody tries, two others write to each other and a third polls an empty mailbox.
"""

from __future__ import annotations

import pytest

from harness import hostile
from harness.attempts import LOGIN, MESSAGES, REGISTER, Intruder, conversation, mailbox, shown
from harness.checkers import available, cursor, no_loss, no_phantom, refuses
from harness.client import Client
from harness.run import Run


@pytest.mark.plan("SEC-06")
def test_malformed_and_oversized_requests_are_refused(run: Run) -> None:
    """Each gets an answer, and never one that says that the server is to blame."""
    bob, mallory = _start(run)
    for what, body in hostile.malformed_bodies(bob.username).items():
        for path in (MESSAGES, LOGIN, REGISTER):
            mallory.tries(f"post {what} to {path}", "POST", path, body=body, may={400})
    for what, body in hostile.oversized_bodies(bob.username).items():
        mallory.tries(f"send {what}", "POST", MESSAGES, body=body, may={400, 413})
    for kind in hostile.CONTENT_TYPES:
        headers = {"Content-Type": kind}
        mallory.tries(f"send {kind!r}", "POST", MESSAGES, body=b"<xml/>", headers=headers, may={400, 415})
    used = run.acked(mallory.client, bob).body["client_message_id"]
    other = {"to_username": bob.username, "content": "another", "client_message_id": used}
    mallory.tries("send another content as a retry", "POST", MESSAGES, body=other, may={400})
    own = mailbox(mallory.client.username)
    for parameters in hostile.POLL_PARAMETERS:
        mallory.tries(f"poll with {shown(parameters)}", "GET", own, parameters=parameters, may={400})
    _end(run)


@pytest.mark.plan("SEC-07")
def test_names_carry_no_commands(run: Run) -> None:
    """A name becomes part of keys, paths and log lines: it may hold nothing that means something there."""
    bob, mallory = _start(run)
    for name in hostile.names(bob.username):
        who = shown(name)
        new = {"username": name, "password": "a long password"}
        mallory.tries(f"register as {who}", "POST", REGISTER, body=new, may={400})
        mallory.tries(f"poll the mailbox of {who}", "GET", mailbox(name), may={400, 403, 404})
        mallory.tries(f"read the conversation with {who}", "GET", conversation(name), may={400, 404})
        to = {"to_username": name, "content": "hi"}
        mallory.tries(f"send to {who}", "POST", MESSAGES, body=to, may={400, 404})
        claim = {"to_username": bob.username, "content": "hi", "from_username": name}
        mallory.tries(f"send as {who}", "POST", MESSAGES, body=claim, may={400, 403})
    _end(run)


@pytest.mark.plan("SEC-08")
def test_content_carries_no_commands(run: Run) -> None:
    """It arrives as it was sent, character by character, or is refused: `no-phantom` compares."""
    bob, mallory = _start(run)
    for content in hostile.TEXTS:
        answer = run.send(mallory.client, bob, content)
        mallory.tried(f"send {shown(content)}", answer, may={200, 400})
        own_id = {"to_username": bob.username, "content": " ", "client_message_id": content[:64]}
        mallory.tries(f"send nothing as {shown(content)}", "POST", MESSAGES, body=own_id, may={400})
    _end(run)


def _start(run: Run) -> tuple[Client, Intruder]:
    """Alice writes to Bob, who polls; gives Bob, and Mallory, who must not see what they write."""
    alice, bob, idle, mallory = run.users(4)
    secret = f"secret {run.random.getrandbits(64):016x}"
    run.read(bob, idle)
    run.acked(alice, bob, secret)
    run.keep_sending([(alice, bob)], every_s=0.25)
    return bob, Intruder(mallory, run.recorder, [secret])


def _end(run: Run) -> None:
    run.wait_for_traffic(sends=2, polls=0)
    run.read_all()
    run.check(refuses, no_loss, cursor, no_phantom, available)
