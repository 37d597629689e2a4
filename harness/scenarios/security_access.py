"""Security, access: no user reads, writes or learns what is another's, and guessing passwords is slowed.

Meanwhile two users write to each other, and a third polls an empty mailbox.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.checkers import available, cursor, no_loss, no_phantom, private
from harness.client import Answer, Client
from harness.policy import Statuses
from harness.run import Inconclusive, Run
from harness.run.broken import CertainlyBroken, PromiseBroken, certain
from harness.run.hostile.attempts import Intruder, shown
from harness.run.hostile.forgery import false_headers
from harness.verdict import Checker

PRIVATE = (private, no_loss, cursor, no_phantom)
WRONG = "a wrong password"
GUESSES = 30


@pytest.mark.plan("SEC-01")
def test_an_invalid_token_is_refused(run: Run) -> None:
    """Each invalid token is tried for polls, sends and conversations."""
    alice, bob, secret = _start(run)
    mallory, refused = run.users.new_one(), run.statuses.not_signed_in
    stranger = Intruder(run.users.register(), run.recorder, [secret])
    for what, header in false_headers(mallory.token or "", mallory.username, bob.username).items():
        headers = {} if header is None else {"Authorization": header}
        for user in (bob, mallory):
            mailbox = {"username": user.username}
            stranger.tries(
                f"poll {shown(user.username)} with {what}", "poll", mailbox, headers=headers, expected=refused
            )
        if run.wire.history.path:
            other = {"other": bob.username}
            stranger.tries(f"read with {what}", "history", other, headers=headers, expected=refused)
        message = {"recipient": alice.username, "content": f"forged {_token(run)}"}
        stranger.tries(f"send with {what}", "send", message, headers=headers, expected=refused)
    _end(run)


@pytest.mark.plan("SEC-02")
def test_an_expired_token_is_refused(run: Run) -> None:
    """It was issued while the server's clock was behind by more than its lifetime, so it has expired."""
    run.instances.start_with_clocks(1)
    _, bob, secret = _start(run)
    with run.faults.clocks_off([-(_token_lifetime_s(run) + 60)]):
        eve = run.users.new_one()
        run.messages.send_acked(eve, bob)
    late, refused = Intruder(eve, run.recorder, [secret]), run.statuses.not_signed_in
    message = {"recipient": bob.username, "content": f"late {_token(run)}"}
    late.tries("poll with an expired token", "poll", {"username": eve.username}, expected=refused)
    late.tries("send with an expired token", "send", message, expected=refused)
    if run.wire.history.path:
        late.tries("read with an expired token", "history", {"other": bob.username}, expected=refused)
    run.users.sign_in(eve)
    run.messages.send_acked(eve, bob)
    _end(run, PRIVATE)  # the fault window is too short to judge `available` in it


@pytest.mark.plan("SEC-03")
def test_no_user_reads_or_writes_for_another(run: Run) -> None:
    """Mallory is signed in, and asks for Bob's messages in every way."""
    alice, bob, secret = _start(run)
    mallory = Intruder(run.users.new_one(), run.recorder, [secret])
    statuses, harmless = run.statuses, run.wire.poll.ok | run.wire.history.ok | run.statuses.invalid
    own, bobs = {"username": mallory.client.username}, {"username": bob.username}
    for fields in ({}, {"limit": "100"}, {"since": "2000-01-01T00:00:00Z"}):
        mallory.tries(f"poll Bob's with {fields}", "poll", bobs | fields, expected=statuses.forbidden)
    claim = {"username": "bob"}
    mallory.tries(f"poll Bob's with {claim}", "poll", bobs, parameters=claim, expected=statuses.forbidden)
    mine = mallory.client.http.codec.writer.request("poll", own).path
    for path in (f"{mine}%2F..%2F{bob.username}", f"{mine}/{bob.username}", f"{mine}%00{bob.username}"):
        mallory.calls(f"poll {path}", "GET", path, expected=statuses.no_such_mailbox)
    for name in ("username", "user", "mailbox", "from", "to"):
        claim, other = {name: bob.username}, {"other": alice.username}
        mallory.tries(f"poll with {name}=Bob", "poll", own, parameters=claim, expected=harmless)
        if run.wire.history.path:
            mallory.tries(f"read with {name}=Bob", "history", other, parameters=claim, expected=harmless)
    for claimed in (bob, alice) if run.wire.send.sender else ():
        message = {"recipient": bob.username, "content": "forged", "sender": claimed.username}
        mallory.tries(f"send as {claimed.username}", "send", message, expected=statuses.forbidden)
    credentials = {"username": bob.username, "password": WRONG}
    mallory.tries("register Bob's name", "register", credentials, expected=statuses.name_taken)
    mallory.tries("sign in as Bob with it", "sign_in", credentials, expected=statuses.not_signed_in)
    _end(run)


@pytest.mark.plan("SEC-04")
def test_sign_in_does_not_reveal_who_is_registered(run: Run) -> None:
    """Unknown names and wrong passwords alternate, too rarely for an account or address to be slowed."""
    _start(run)
    known = [run.users.register() for _ in range(5)]
    eve = Intruder(run.users.register(), run.recorder)
    expected = run.statuses.not_signed_in | run.statuses.slowed
    unknown: list[Answer] = []
    wrong: list[Answer] = []
    for user in known * 3:
        name = f"nobody_{_token(run)}"
        unknown.append(eve.tries_to_sign_in("sign in as an unknown user", name, WRONG, expected=expected))
        wrong.append(
            eve.tries_to_sign_in("sign in with a wrong password", user.username, WRONG, expected=expected)
        )
    if run.promises("private"):
        _require_alike(run, unknown, wrong)
    _end(run)


def _require_alike(run: Run, unknown: list[Answer], wrong: list[Answer]) -> None:
    """Raise PromiseBroken if the answers, or how long they took, tell which users there are."""
    certain(
        _looks(unknown, run.statuses) == _looks(wrong, run.statuses),
        "an unknown user and a wrong password are answered differently",
    )
    unknown_ms, wrong_ms = (_median_ms(answers, run.statuses) for answers in (unknown, wrong))
    run.measured |= {"unknown_user_ms": unknown_ms, "wrong_password_ms": wrong_ms}
    what = f"the answer for an unknown user takes {unknown_ms} ms, for a wrong password {wrong_ms} ms"
    times = max(unknown_ms, wrong_ms) / min(unknown_ms, wrong_ms)
    against = _pairs_against_the_rest(unknown, wrong)
    certain(times < 2.5 or against > 1, what)
    certain(times < 1.5 or against > 0, what)  # a busy machine adds to both, and so hides the difference
    if times >= 2.5:
        raise PromiseBroken(what)


@pytest.mark.plan("SEC-05")
def test_guessing_a_password_is_slowed(run: Run) -> None:
    """Then the right password is refused, too. Other users are not, and the user stays signed in elsewhere.

    The guesses go over one connection, so to one worker: the others must know of them, too.
    """
    _, bob, _ = _start(run)
    victim, neighbour = run.users.new_one(), run.users.register()
    slowed = run.statuses.slowed
    eve = Intruder(run.users.register(), run.recorder)
    for _ in range(GUESSES):
        fields = {"username": victim.username, "password": WRONG}
        expected = slowed | run.statuses.not_signed_in
        guess = eve.tries("guess a password", "sign_in", fields, expected=expected)
        if guess.status in slowed:
            break
    answered = guess.status in slowed | run.statuses.not_signed_in
    certain(guess.status in slowed or not answered, f"{GUESSES} wrong passwords in a row were not slowed")
    assert answered, f"a wrong password was answered {guess.status or 'nothing'}"
    wait_s = guess.headers.get("Retry-After", "")
    assert wait_s.isdigit(), f"Retry-After is {shown(wait_s)}, not a number of seconds"
    assert 1 <= int(wait_s) <= 3600
    for _ in range(12):  # enough for every worker to get some
        eve.tries_to_sign_in("guess on", victim.username, WRONG, expected=slowed)
    owner = Intruder(victim, run.recorder)
    for answer in victim.sign_in_at_once(12):
        owner.tried("sign in with the right password meanwhile", answer, expected=slowed)
    right = run.wire.sign_in.ok
    Intruder(neighbour, run.recorder).tried("sign in as another user", neighbour.sign_in(), expected=right)
    run.messages.send_acked(victim, bob)
    _end(run)


def _token(run: Run) -> str:
    return f"{run.random.getrandbits(64):016x}"


def _start(run: Run) -> tuple[Client, Client, str]:
    """Let Alice write to Bob, who polls; return both, and a text that only they may see."""
    alice, bob, idle = run.users.new(3)
    secret = f"secret {_token(run)}"
    run.readers.start(bob, idle)
    run.messages.send_acked(alice, bob, secret)
    run.senders.start([(alice, bob)], every_s=0.25)
    return alice, bob, secret


def _end(run: Run, checkers: Sequence[Checker] = (*PRIVATE, available)) -> None:
    run.wait.for_traffic(sends=2, polls=0)
    run.mailboxes.read_all()
    run.check(*checkers)


def _token_lifetime_s(run: Run) -> int:
    """Return how long a new token is valid, in seconds."""
    ends_at = str(run.wire.sign_in.expires_at.of(run.users.register().sign_in().body))
    try:
        return int((datetime.fromisoformat(ends_at) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError) as error:  # no timestamp, or one without an offset
        raise CertainlyBroken(f"a sign-in says that its token ends at {shown(ends_at)}: {error}") from error


def _looks(answers: list[Answer], statuses: Statuses) -> set[tuple[Any, ...]]:
    """Return all that an attacker can see in the answers, except what is new in each."""
    return {
        (
            answer.status,
            tuple(sorted((name, str(value)) for name, value in answer.body.items() if name != "request_id")),
            tuple(sorted(name.lower() for name in answer.headers)),
        )
        for answer in answers
        if answer.status is not None and answer.status < 500 and answer.status not in statuses.slowed
    }


def _pairs_against_the_rest(some: list[Answer], others: list[Answer]) -> int:
    """Return in how many pairs the other one than usual is quicker: a busy machine slows both alike.

    In 15 pairs, at most one is against the rest by chance in one of a thousand runs, none in one of 16,000.
    """
    quicker = sum(one.seconds < other.seconds for one, other in zip(some, others, strict=True))
    return min(quicker, len(some) - quicker)


def _median_ms(answers: list[Answer], statuses: Statuses) -> float:
    seconds = [answer.seconds for answer in answers if answer.status in statuses.not_signed_in]
    if len(seconds) < 5:
        raise Inconclusive("too few sign-ins were refused as usual to compare their times")
    return round(statistics.median(seconds) * 1000, 1)
