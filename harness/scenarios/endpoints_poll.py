"""The polling endpoint: what it refuses, what it answers, and what it answers without its stores."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.checkers import DELIVERY, available, refuses
from harness.client import Answer, Client, Page
from harness.run import Run, certain
from harness.run.hostile.attempts import Intruder

ALL = (*DELIVERY, available)
MALFORMED = ("yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "0", "")
NO_NUMBERS = ("yesterday", "", "1e", "--1")
"""The same, where a timestamp is a number."""
NO_LIMITS = ("0", "-1", "101", "1000000", "ten", "1.5", "")
ROUNDS = 6
"""Enough sends and polls in a fault window to judge the server."""


@pytest.mark.plan("POLL-01")
def test_a_name_that_is_too_short_is_refused(run: Run) -> None:
    """No user can have it."""
    caller = Intruder(run.users.new_one(), run.recorder)
    for name in ("a", "ab", "é"):
        mailbox = {"username": name}
        caller.tries(f"poll the mailbox of {name}", "poll", mailbox, expected=run.statuses.invalid)
    run.check(refuses)


@pytest.mark.plan("POLL-02")
def test_the_mailbox_of_an_unknown_user_is_not_found(run: Run) -> None:
    """A user could have this name, but none has."""
    caller = Intruder(run.users.new_one(), run.recorder)
    for name in (f"nobody_{run.random.getrandbits(32):08x}", "x" * 64):
        mailbox = {"username": name}
        caller.tries(f"poll the mailbox of {name}", "poll", mailbox, expected=run.statuses.unknown_user)
    run.check(refuses)


@pytest.mark.plan("POLL-03")
def test_a_since_that_is_not_a_timestamp_is_refused(run: Run) -> None:
    """Or ignored, if that is the server's policy: then the poll starts at the oldest message."""
    bob, sent = _with_messages(run, 2)
    for since in MALFORMED if run.wire.timestamps == "text" else NO_NUMBERS:
        answer = _tries(run, bob, "since", since, is_refused=run.policy.malformed_since == "refused")
        if run.policy.malformed_since == "ignored":
            assert _is_read(run, bob.http.page_of(answer), sent), f"since={since!r} was not ignored"
    _end(run, bob)


@pytest.mark.plan("POLL-04")
def test_a_limit_outside_its_range_is_refused(run: Run) -> None:
    """Or replaced by a legal one, if that is the server's policy: then the poll still brings messages."""
    bob, _ = _with_messages(run, 2)
    for limit in NO_LIMITS:
        answer = _tries(run, bob, "limit", limit, is_refused=run.policy.limit_outside == "refused")
        if run.policy.limit_outside == "clamped":
            assert 1 <= len(bob.http.page_of(answer).messages) <= 100, f"limit={limit!r} brought nothing"
    _end(run, bob)


@pytest.mark.plan("POLL-05")
def test_a_poll_brings_the_messages(run: Run) -> None:
    """It brings all, the oldest first; with a cursor only newer ones; with a limit the oldest of these."""
    bob, sent = _with_messages(run, 3)
    whole = run.readers.read_plainly(bob)
    certain(
        _is_read(run, whole, sent) and not whole.has_more,
        "a poll without a cursor must bring all messages and say that there are no more",
    )
    cursor = whole.messages[0].timestamp
    certain(
        _is_read(run, run.readers.read_plainly(bob, cursor), sent[1:]),
        "a poll with a cursor must bring all newer messages and no others",
    )
    page = run.readers.read_plainly(bob, cursor, limit=1)
    certain(
        _is_read(run, page, sent[1:2]) and (page.has_more is not False or not _tells_what_follows(run)),
        "a poll with limit=1 must bring the oldest new message and say that there are more",
    )
    certain(
        not page.messages or page.next_since == page.messages[-1].timestamp,
        "next_since must be the timestamp of the last message",
    )
    _send(run, run.users.new_one(), bob)  # from here on, who read one page need not have read the rest
    _end(run, bob)


@pytest.mark.plan("POLL-06")
def test_a_poll_without_news_is_empty(run: Run) -> None:
    """It repeats the cursor it was given; an empty mailbox is not an error."""
    empty = run.readers.read_plainly(run.users.new_one())
    is_empty = not _contents(empty) or not run.promises("no-phantom")
    certain(is_empty, "the mailbox of a new user must be empty")
    bob, _ = _with_messages(run, 2)
    cursor, repeats = _read_to_its_end(run, bob), run.semantics.cursor in ("timestamp", "sequence", "id")
    for _ in range(2):
        again = run.readers.read_plainly(bob, cursor)
        certain(
            _is_nothing_new(run, again) and (again.next_since == cursor or not repeats),
            "without new messages a poll must be empty and repeat its cursor",
        )
        cursor = again.next_since
    _end(run, bob)


@pytest.mark.plan("POLL-07")
def test_polls_without_redis_are_served_from_mongodb(run: Run) -> None:
    """And say so: `available` judges that. Or they are answered 503, if that is the server's policy."""
    bob, sent = _with_messages(run, 2)
    carol, received = run.users.new_one(), list[str]()
    with run.faults.redis_refused():
        for _ in range(ROUNDS):
            sent.append(_send(run, carol, bob))
            received += _contents(run.readers.poll_once(bob).said)
        if run.policy.polls_without_redis == "served" and _tells_what_follows(run):
            assert received == sent, "polls without Redis do not bring every message"
    _end(run, bob)


@pytest.mark.plan("POLL-08")
def test_polls_without_any_store_are_unavailable(run: Run) -> None:
    """503 says when to come back; an empty page would be false."""
    bob, _ = _with_messages(run, 2)
    carol = run.users.new_one()
    with run.faults.redis_refused(), run.faults.mongodb_refused():
        for _ in range(ROUNDS):
            run.messages.send(carol, bob)
            answer = run.readers.poll_once(bob)
            if answer.status == 503:
                assert answer.headers.get("Retry-After"), "a 503 does not say when to come back"
    _end(run, bob)


def _with_messages(run: Run, count: int) -> tuple[Client, list[str]]:
    """Return a user with `count` messages, and their contents, the oldest first."""
    alice, bob = run.users.new(2)
    return bob, [_send(run, alice, bob) for _ in range(count)]


def _send(run: Run, sender: Client, recipient: Client) -> str:
    """Let one send to the other; return what was sent."""
    run.messages.send_acked(sender, recipient)
    return run.recorder.history().sends[-1].content


def _tries(run: Run, bob: Client, name: str, value: str, *, is_refused: bool) -> Answer:
    expected = run.statuses.invalid if is_refused else run.wire.poll.ok
    fields = {"username": bob.username, name: value}
    return Intruder(bob, run.recorder).tries(f"poll with {name}={value!r}", "poll", fields, expected=expected)


def _read_to_its_end(run: Run, bob: Client) -> str | None:
    """Return the cursor behind the last message."""
    page = run.readers.read_plainly(bob)
    while page.may_have_more and page.messages:
        page = run.readers.read_plainly(bob, page.next_since)
        if _is_nothing_new(run, page):
            break
    return page.next_since


def _is_nothing_new(run: Run, page: Page) -> bool:
    """Whether a page is empty, but for the message at the cursor where it is repeated.

    A target that may deliver a message again can bring any.
    """
    at_cursor = 1 if run.semantics.boundary == "inclusive" else 0
    return len(page.messages) <= at_cursor or not run.promises("no-duplicate")


def _tells_what_follows(run: Run) -> bool:
    """Whether the target promises what a page has: every message, once, in the order of their sends."""
    return all(map(run.promises, ("no-loss", "no-duplicate", "order")))


def _is_read(run: Run, page: Page, sent: Sequence[str]) -> bool:
    """Whether a page has just these messages, as far as the target promises it."""
    return _contents(page) == sent or not _tells_what_follows(run)


def _contents(page: Page) -> list[str]:
    return [message.content for message in page.messages]


def _end(run: Run, bob: Client) -> None:
    """Check that the mailbox is whole and can be read, whatever was asked before."""
    run.readers.start(bob, at_once=True)
    run.mailboxes.read_all()
    run.check(*ALL, *([refuses] if run.recorder.history().attempts else []))
