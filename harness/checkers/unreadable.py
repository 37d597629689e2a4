"""Answers that could not be read: the server's fault, or perhaps the profile's.

A profile is at fault for JSON of another shape than it names, and for answers that no longer are what they
were. It is not for a page of HTML between answers that it reads, nor for what began while something was
broken, nor for JSON of another shape from a server that speaks the contract: these are failed requests, and
judged as such. What may be the profile's fault proves nothing, and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from harness.checkers.fault_windows import fault_windows
from harness.checkers.findings import at
from harness.history import Attempt, History, Outcome, Poll, Send, Unreadable
from harness.history.memoize import memoize
from harness.verdict import Judgement, Verdict

Asked = Send | Poll | Attempt
NO_SUCH_PATH = frozenset({404, 405, 501})
"""What a server answers where the profile names a wrong path or method."""
ENOUGH_WITHOUT_A_PATH = 3
CHANGED = "the profile does not fit, or the server's answers have changed"


@memoize
def undecided(history: History) -> tuple[Asked, ...]:
    """Return the requests whose unreadable answers may be the profile's fault, by their start."""
    operations: list[Sequence[Asked]] = [history.sends, history.polls]
    operations += [[it for it in history.required if it.what == what] for what in ("register", "sign in")]
    found = chain.from_iterable(_undecided(history, asked) for asked in operations)
    return tuple(sorted([*found, *_without_a_path(history)], key=lambda one: one.start_ns))


def _undecided(history: History, asked: Sequence[Asked]) -> Iterator[Asked]:
    """Yield those of one operation, in the order of their start."""
    unreadable = [one for one in asked if one.unreadable]
    if not unreadable:
        return
    last_read_ns = max((one.start_ns for one in asked if _was_read(one)), default=-math.inf)
    for how in Unreadable:
        some = [one for one in unreadable if one.unreadable == how]
        if how is not Unreadable.FIELDS:
            some = [one for one in some if last_read_ns < _end_ns(one)]
        if some and not fault_windows(history).touch(some[0].start_ns, _end_ns(some[0])):
            yield from some


def _without_a_path(history: History) -> Iterator[Poll]:
    """Yield all polls, if each was answered that there is no such path."""
    polls = history.polls if not any(poll.status not in NO_SUCH_PATH for poll in history.polls) else ()
    if len(polls) >= ENOUGH_WITHOUT_A_PATH:
        yield from polls


def _was_read(one: Asked) -> bool:
    if isinstance(one, Attempt):
        return one.status in one.expected and one.error is None
    return one.outcome is Outcome.OK


def _end_ns(one: Asked) -> float:
    return math.inf if one.end_ns is None else one.end_ns


@memoize
def readable(history: History) -> History:
    """Return the history without the answers that may be unreadable by the profile's fault.

    A send stays, with its outcome unknown. So does a poll where reading deletes: its answer may have held
    messages.
    """
    gone = undecided(history)
    if not gone:
        return history
    lost = {id(one) for one in gone}
    keeps_polls = history.semantics.is_destructive
    return replace(
        history,
        polls=tuple(poll for poll in history.polls if keeps_polls or id(poll) not in lost),
        required=tuple(one for one in history.required if id(one) not in lost),
        unread=frozenset(one.op for one in gone if not isinstance(one, Attempt)),
        memo={},
    )


def why_undecided(history: History) -> str:
    """Return how many answers could not be read, by whose fault perhaps; '' if none."""
    gone = undecided(history)
    if not gone:
        return ""
    what = f"{len(gone)} answer{'s' * (len(gone) > 1)} could not be read"
    first = gone[0]
    why = (
        str(first.error).removeprefix("malformed answer: ") if first.unreadable else f"status {first.status}"
    )
    return f"{what}, the first one at {at(history, first.start_ns)} ({why}): {CHANGED}"


def in_doubt(judgement: Judgement, history: History) -> Judgement:
    """Return a judgement that has found nothing as inconclusive, if there are answers that prove nothing."""
    why = why_undecided(history)
    if not why or judgement.verdict not in (Verdict.PASS, Verdict.INCONCLUSIVE):
        return judgement
    reason = f"{why}; {judgement.reason}" if judgement.reason else f"{why}."
    return Judgement(judgement.promise, Verdict.INCONCLUSIVE, reason, (), judgement.evidence)
