"""Which answers are right while which store is broken: the contract's table under faults, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import chain, combinations

from harness.history import HARMLESS_TARGETS, Effect, FaultWindow, Outcome, Poll, Send
from harness.policy import Policy


class AnswerKind(Enum):
    """What an operation may be answered with."""

    OK = "200"
    DEGRADED = "200 that admits it"
    """A poll: from MongoDB and degraded; a send: not queued."""
    UNAVAILABLE = "503"
    GATEWAY = "502 or 504"
    """What a proxy before a dead server says for it."""
    REFUSED = "4xx"
    """Right where the scenario provoked it."""
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

# Contract, Under faults: one line a set of broken stores.
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
TAKEN = STORES | {"redis writes"}


def is_total(window: FaultWindow) -> bool:
    """Whether all of what the fault takes is taken from everyone, from the first probe to the heal.

    A store that is slow, flaps or lost its data may still be used where it can, so beside the table's line
    the healthy answer is right as well.
    """
    return window.store in STORES and bool(window.effects & {Effect.ALL, Effect.WRITES})


def taken_by(window: FaultWindow) -> str:
    """What a fault takes: its store, or 'redis writes' where polls may still be served from what it has."""
    return f"{window.store} writes" if Effect.WRITES in window.effects else window.store


@cache
def expected(surely: frozenset[str], unsure: frozenset[str], policy: Policy) -> Expected:
    """The right answers while what is `surely` broken is, and what is `unsure` may be; see `taken_by`.

    A server whose policy is not to serve polls without Redis may still do better.
    """
    if not surely | unsure <= TAKEN | HARMLESS_TARGETS:
        return AWAY
    lines = [TABLE[_line(surely | set(some))] for some in _subsets(unsure)]
    polls = frozenset(chain.from_iterable(line.poll for line in lines))
    if policy.polls_without_redis == "unavailable" and AnswerKind.DEGRADED in polls:
        polls |= {AnswerKind.UNAVAILABLE}
    return Expected(frozenset(chain.from_iterable(line.send for line in lines)), polls)


def _line(taken: frozenset[str]) -> frozenset[str]:
    """The table's key: a store that is away takes its writes with it."""
    return (taken & TAKEN) - {f"{store} writes" for store in taken & STORES}


def _subsets(stores: frozenset[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(sorted(stores), size) for size in range(len(stores) + 1))


_ONLY_OK, _OK_AND_DEGRADED = frozenset({AnswerKind.OK}), frozenset({AnswerKind.OK, AnswerKind.DEGRADED})


def answers_of(operation: Send | Poll) -> frozenset[AnswerKind]:
    """What an operation's answer counts as: a degraded 200 is a 200 as well, and a 500 is always wrong."""
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
    """Whether an answer says that Redis is away, or at least does not claim the contrary."""
    if isinstance(operation, Send):
        return not operation.queued or operation.replayed  # a replay repeats what the first answer said
    return operation.degraded is not False and operation.source in (None, "mongodb")
