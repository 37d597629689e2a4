"""What a server owes beside its answers to sends and polls, so that there can be any: part of `available`.

Users must be able to register and to sign in, a server that was killed or stopped must come back, and a
mailbox must come to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checkers.expectations import AWAY_STORES
from harness.checkers.pressure import EXCUSED, Found, Pressure
from harness.checkers.telling import at, finding
from harness.history import HARMLESS_TARGETS, Attempt, History, Outcome, Poll
from harness.verdict import Finding

PROMISE = "available"
ENDLESS_AFTER = 10
"""Consecutive polls of one consumer that promise more, bring nothing and do not move the cursor."""
Broken = Callable[[int, int], frozenset[str]]
"""What was or may have been broken in this time."""


def not_let_in(history: History, broken: Broken, pressure: Pressure) -> Iterator[Found]:
    """Registrations and sign-ins that were not answered as they must be; how long they take is not promised.

    While any store is broken they may be told to come again.
    """
    for required in history.required:
        if required.error is None and required.status in (*required.expected, *required.tolerated):
            continue
        if _may_be(required, broken(required.start_ns, required.end_ns) - HARMLESS_TARGETS):
            continue
        yield EXCUSED if pressure.excuses(required, required.end_ns) else _not_let_in(history, required)


def _may_be(required: Attempt, broken: frozenset[str]) -> bool:
    if required.status == 500:
        return False
    return bool(broken & AWAY_STORES) or (bool(broken) and required.status == 503)


def _not_let_in(history: History, required: Attempt) -> Finding:
    opening = f"{required.who} wanted to {required.what} at {at(history, required.start_ns)}"
    if required.status is None:
        got = f"was not answered by {at(history, required.end_ns)} ({required.error})"
    else:
        got = f"was answered {required.status}" + (f" ({required.error})" if required.error else "")
    right = " or ".join(map(str, required.expected))
    kind = "unanswered" if required.status is None else "wrong_status"
    return finding(PROMISE, kind, f"{opening} and {got}; expected: {right}.", (required.event,))


def tolerated(history: History) -> str:
    """A doubt about a registration or a sign-in that was refused, perhaps for the harness's own doing."""
    for required in history.required:
        if required.status in required.tolerated:
            may_be = "the server may ask for other names, have another path, or limit how many users it takes"
            return f"{required.who} wanted to {required.what} and was answered {required.status}: {may_be}"
    return ""


def not_back(history: History, pressure: Pressure) -> Iterator[Found]:
    """Waits for the server to serve, before a fault of its own or after the heal, that ended in vain."""
    for wait in history.gave_up:
        if wait.of != "serving":
            continue
        half_ns = (wait.until_ns - wait.since_ns) / 2  # the wait is far longer than a start should take
        if pressure.excuses_wait(wait.since_ns, wait.until_ns, half_ns):
            yield EXCUSED
            continue
        told = wait.what.splitlines()[0].rstrip(".:;")
        sentence = f"the server did not serve from {at(history, wait.since_ns)} on: {told}."
        yield finding(PROMISE, "not_back", sentence, (wait.event,))


def endless(history: History) -> Iterator[Finding]:
    """Consumers that are told again and again that there is more, and never get it."""
    suspects = {poll.consumer for poll in history.polls if poll.has_more and not poll.messages}
    consumers = history.consumers() if suspects else {}  # hardly ever: there may be a million polls
    for polls in (consumers[consumer] for consumer in sorted(suspects)):
        row: list[Poll] = []
        for poll in polls:
            row = [*row, poll] if _promises_in_vain(poll) else []
            if len(row) == ENDLESS_AFTER:
                yield _endless(history, row)
                break


def _promises_in_vain(poll: Poll) -> bool:
    is_empty = poll.outcome is Outcome.OK and not poll.messages
    return is_empty and poll.has_more and poll.next_since == poll.since


def _endless(history: History, polls: list[Poll]) -> Finding:
    first, last = at(history, polls[0].start_ns), at(history, polls[-1].end_ns)
    sentence = (
        f"{polls[0].consumer} was told {len(polls)} times from {first} to {last} that there is more, "
        "and got nothing."
    )
    return finding(PROMISE, "endless", sentence, (poll.event for poll in polls))
