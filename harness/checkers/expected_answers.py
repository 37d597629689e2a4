"""Which answers are right while a store is broken: the contract's table under faults, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import chain, combinations

from harness.history import HARMLESS_TARGETS, Effect, FaultWindow, Outcome, Poll, Send
from harness.policy import Policy


class AnswerKind(Enum):
    """What an operation can be answered with."""

    OK = "200"
    DEGRADED = "200 that admits the failure of Redis"
    """A poll: from MongoDB and degraded; a send: not queued."""
    UNAVAILABLE = "503"
    GATEWAY = "502 or 504"
    """What a proxy in front of a dead server answers."""
    REFUSED = "4xx"
    """Right if the scenario provoked it."""
    SILENCE = "no answer"
    WRONG = "another answer"


@dataclass(frozen=True)
class Expected:
    """The right answers to a send and to a poll."""

    send: frozenset[AnswerKind]
    poll: frozenset[AnswerKind]


def _expected(send: Iterable[AnswerKind], poll: Iterable[AnswerKind]) -> Expected:
    return Expected(frozenset(send), frozenset(poll))


_AWAY = (AnswerKind.OK, AnswerKind.UNAVAILABLE, AnswerKind.GATEWAY, AnswerKind.SILENCE)

# Contract, Under faults: one line for each set of broken stores.
TABLE = {
    frozenset[str](): _expected([AnswerKind.OK], [AnswerKind.OK]),
    frozenset({"redis"}): _expected([AnswerKind.DEGRADED], [AnswerKind.DEGRADED]),
    frozenset({"redis writes"}): _expected([AnswerKind.DEGRADED], [AnswerKind.OK]),
    frozenset({"mongodb"}): _expected([AnswerKind.UNAVAILABLE], [AnswerKind.OK, AnswerKind.UNAVAILABLE]),
    frozenset({"redis", "mongodb"}): _expected([AnswerKind.UNAVAILABLE], [AnswerKind.UNAVAILABLE]),
    frozenset({"redis writes", "mongodb"}): _expected(
        [AnswerKind.UNAVAILABLE], [AnswerKind.OK, AnswerKind.UNAVAILABLE]
    ),
}
HEALTHY = TABLE[frozenset()]
# A killed server, or a network the scenario cut off: requests in flight get no answer at all.
AWAY = _expected(_AWAY, _AWAY)
AWAY_STORES = frozenset({"server", "client"})
STORES = frozenset({"redis", "mongodb"})
BREAKABLE = STORES | {"redis writes"}


def is_total(window: FaultWindow) -> bool:
    """Whether no client can use what the fault breaks, from the first probe to the heal.

    A store that is slow, flaps or lost its data may still be used, so the healthy answer is right as well.
    """
    return window.store in STORES and bool(window.effects & {Effect.ALL, Effect.WRITES})


def broken_by(window: FaultWindow) -> str:
    """Return what a fault breaks: a store, or 'redis writes' if polls can still be served from its data."""
    return f"{window.store} writes" if Effect.WRITES in window.effects else window.store


@cache
def expected(surely: frozenset[str], unsure: frozenset[str], policy: Policy) -> Expected:
    """Return the right answers while `surely` is broken and `unsure` may be; see `broken_by`.

    A server whose policy is not to serve polls without Redis may serve them all the same.
    """
    if not surely | unsure <= BREAKABLE | HARMLESS_TARGETS:
        return AWAY
    lines = [TABLE[_line(surely | set(some))] for some in _subsets(unsure)]
    polls = frozenset(chain.from_iterable(line.poll for line in lines))
    if policy.polls_without_redis == "unavailable" and AnswerKind.DEGRADED in polls:
        polls |= {AnswerKind.UNAVAILABLE}
    return Expected(frozenset(chain.from_iterable(line.send for line in lines)), polls)


def _line(broken: frozenset[str]) -> frozenset[str]:
    """Return the table's key: a store that is broken as a whole includes its writes."""
    return (broken & BREAKABLE) - {f"{store} writes" for store in broken & STORES}


def _subsets(stores: frozenset[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(sorted(stores), size) for size in range(len(stores) + 1))


_ONLY_OK, _OK_AND_DEGRADED = frozenset({AnswerKind.OK}), frozenset({AnswerKind.OK, AnswerKind.DEGRADED})


def answers_of(operation: Send | Poll) -> frozenset[AnswerKind]:
    """Return the kinds of an answer: a degraded 200 is a 200 as well, and a 500 is always wrong."""
    if operation.outcome is Outcome.OK:
        return _OK_AND_DEGRADED if _admits_degradation(operation) else _ONLY_OK
    status = operation.status
    if status is None:
        return frozenset({AnswerKind.SILENCE})
    if status in (502, 503, 504):
        return frozenset({AnswerKind.UNAVAILABLE if status == 503 else AnswerKind.GATEWAY})
    if 400 <= status < 500 and operation.outcome is Outcome.REFUSED:
        return frozenset({AnswerKind.REFUSED})
    return frozenset({AnswerKind.WRONG})


def _admits_degradation(operation: Send | Poll) -> bool:
    """Whether an answer admits that Redis is away, or at least does not deny it."""
    if isinstance(operation, Send):
        return not operation.queued or operation.replayed  # a replay repeats the first answer
    return operation.degraded is not False and operation.source in (None, "mongodb")
