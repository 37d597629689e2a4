"""Security, limits: no user fills the stores, and no spelling of an address evades the limits.

The server is started with the low limits of its profile. Meanwhile Alice writes to Bob once a
second, as a person does, and a third user polls an empty mailbox.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from harness.checkers import available, cursor, no_loss, no_phantom, on_time, private
from harness.client import Answer, Client
from harness.history import Outcome
from harness.run import Run
from harness.run.broken import certain
from harness.run.hostile import inputs as hostile
from harness.run.hostile.attempts import Intruder, shown

MOST_SENDS, MOST_REGISTRATIONS, MOST_GUESSES = 600, 60, 48
"""How many requests in a row must be slowed: more than one limit for each of several workers."""
A_DAY_S = 24 * 3600


@pytest.mark.plan("SEC-09")
def test_no_user_fills_the_stores(run: Run) -> None:
    """Mallory sends to Dave, who does not poll, then registers one name after the other.

    Each request goes over a new connection, so that every worker gets some, and they go on after the first
    refusal. Then Carol, who has sent nothing yet, sends as well.
    """
    bob = _start(run)
    carol, dave = run.users.new(2)
    mallory = Intruder(run.users.new_one(), run.recorder)
    expected = run.wire.send.ok | run.statuses.slowed
    message = {"recipient": dave.username, "content": "spam"}

    def send() -> Answer:
        mallory.client.close()
        return mallory.tries("flood a mailbox", "send", message, expected=expected)

    sends = _until_slowed(run, send, most=MOST_SENDS, what="messages")
    sends += [send() for _ in range(len(sends))]
    for _ in range(12):
        carol.close()
        answer = run.messages.send(carol, bob)
        certain(answer.status not in run.statuses.slowed, "a user who had sent nothing yet was slowed, too")

    def register() -> Answer:
        new = {"username": f"new_{run.random.getrandbits(64):016x}", "password": "a long password"}
        expected = run.wire.register.ok | run.statuses.slowed
        return mallory.tries("register one more", "register", new, expected=expected)

    _until_slowed(run, register, most=MOST_REGISTRATIONS, what="registrations")
    _check_stored(run, dave, sends)
    _end(run)


@pytest.mark.plan("SEC-10")
def test_an_address_is_one_however_it_is_spelled(run: Run) -> None:
    """Wrong passwords for many users come from one address, which a proxy spells in different ways."""
    _start(run)
    eve = Intruder(run.users.register(), run.recorder)

    slowed, refused = run.statuses.slowed, run.statuses.not_signed_in

    def guess(address: str, *, expected: frozenset[int]) -> Answer:
        eve.client.close()
        fields = {"username": f"nobody_{run.random.getrandbits(64):016x}", "password": "a wrong password"}
        headers = {"X-Forwarded-For": address}
        what = f"guess a password from {shown(address)}"
        return eve.tries(what, "sign_in", fields, headers=headers, expected=expected)

    for spellings in (hostile.SPELLINGS_OF_IPV4, hostile.SPELLINGS_OF_IPV6):
        turns = itertools.cycle(spellings)

        def guess_on(turns: Iterator[str] = turns) -> Answer:
            return guess(next(turns), expected=slowed | refused)

        _until_slowed(run, guess_on, most=MOST_GUESSES, what="wrong passwords")
        for spelling in spellings:
            guess(spelling, expected=slowed)
    guess("198.51.100.9", expected=refused)
    _end(run)


def _start(run: Run) -> Client:
    """Let Alice write to Bob, who polls; return Bob."""
    run.instances.start_limited()
    alice, bob, idle = run.users.new(3)
    run.readers.start(bob, idle)
    run.messages.send_acked(alice, bob)
    run.senders.start([(alice, bob)], every_s=1.1)
    return bob


def _until_slowed(run: Run, ask: Callable[[], Answer], *, most: int, what: str) -> list[Answer]:
    """Repeat a request until it is slowed; return all answers."""
    answers: list[Answer] = []
    while not answers or answers[-1].status not in run.statuses.slowed:
        certain(len(answers) < most, f"{most} {what} in a row were not slowed")
        answers.append(ask())
    wait_s = answers[-1].headers.get("Retry-After", "")
    certain(wait_s.isdigit(), f"Retry-After is {shown(wait_s)}, not a number of seconds")
    certain(1 <= int(wait_s) <= A_DAY_S, f"Retry-After is {wait_s} seconds")
    return answers


def _check_stored(run: Run, dave: Client, sends: list[Answer]) -> None:
    """Check that Dave has what was accepted, and nothing that was refused."""
    accepted = sum(answer.status in run.wire.send.ok for answer in sends)
    unknown = sum(answer.status is None or answer.status >= 500 for answer in sends)
    stored, parameters = 0, {"limit": "100"}
    while True:
        page = dave.poll(parameters)
        assert page.outcome is Outcome.OK, f"Dave's poll was answered {page.status or 'nothing'}: {page.why}"
        stored += len(page.said.messages)
        parameters = {"limit": "100"} | (
            {} if page.said.next_since is None else {"since": page.said.next_since}
        )
        if not page.said.has_more:
            break
    least = accepted if run.promises("no-loss") else 0
    most = accepted + unknown if run.promises("no-duplicate") else stored
    certain(
        least <= stored <= most, f"{accepted} messages of {len(sends)} were accepted, and {stored} arrived"
    )


def _end(run: Run) -> None:
    run.wait.for_traffic(sends=2, polls=0)
    run.mailboxes.read_all()
    run.check(private, no_loss, cursor, no_phantom, on_time, available)
