"""What a server must do so that sends and polls are possible at all: part of `available`.

Users must be able to register and to sign in, a server that was killed or stopped must come back, and reading
a mailbox must come to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checkers.expected_answers import AWAY_STORES
from harness.checkers.findings import at, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure
from harness.history import HARMLESS_TARGETS, Attempt, History, Outcome, Poll
from harness.verdict import Finding

PROMISE = "available"
ENDLESS_AFTER = 10
"""So many polls of one consumer in a row that say `has_more`, bring nothing and do not move the cursor."""
Broken = Callable[[int, int], frozenset[str]]
"""Return what was, or may have been, broken in this time."""


def not_let_in(history: History, broken: Broken, pressure: Pressure) -> Iterator[Found]:
    """Find registrations and sign-ins with a wrong answer; how long they take is not promised.

    While any store is broken, 503 is right.
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
    """Return a doubt about a registration or a sign-in that may have been refused because of the harness."""
    for required in history.required:
        if required.status in required.tolerated:
            may_be = "the server may require other names, use another path, or limit the number of users"
            return f"{required.who} wanted to {required.what} and was answered {required.status}: {may_be}"
    return ""


def not_back(history: History, pressure: Pressure) -> Iterator[Found]:
    """Find waits for the server to serve, before a fault of its own or after the heal, that gave up."""
    for wait in history.gave_up:
        if wait.of != "serving":
            continue
        half_ns = (wait.until_ns - wait.since_ns) / 2  # the wait is far longer than a start should take
        if pressure.excuses_wait(wait.since_ns, wait.until_ns, half_ns):
            yield EXCUSED
            continue
        why = wait.what.splitlines()[0].rstrip(".:;")
        sentence = f"the server did not serve from {at(history, wait.since_ns)} on: {why}."
        yield finding(PROMISE, "not_back", sentence, (wait.event,))


def endless(history: History) -> Iterator[Finding]:
    """Find consumers whose answers promise more again and again, and never bring it."""
    suspects = set(map(history.consumer_of, (it for it in history.polls if it.has_more and not it.messages)))
    consumers = history.consumers() if suspects else {}  # hardly ever: there may be a million polls
    for polls in (consumers[consumer] for consumer in sorted(suspects)):
        row: list[Poll] = []
        for poll in polls:
            row = [*row, poll] if _is_empty_promise(poll) else []
            if len(row) == ENDLESS_AFTER:
                yield _endless(history, row)
                break


def _is_empty_promise(poll: Poll) -> bool:
    is_empty = poll.outcome is Outcome.OK and not poll.messages
    return is_empty and poll.has_more and poll.next_since == poll.since


def _endless(history: History, polls: list[Poll]) -> Finding:
    first, last = at(history, polls[0].start_ns), at(history, polls[-1].end_ns)
    sentence = (
        f"{polls[0].consumer} received {len(polls)} empty pages in a row from {first} to {last} that said "
        "`has_more` and did not move the cursor."
    )
    return finding(PROMISE, "endless", sentence, (poll.event for poll in polls))
