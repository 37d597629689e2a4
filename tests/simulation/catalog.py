"""The mutants that the simulation finds, each in one scenario, and those that it cannot find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.breaking import broken_by
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.searching import Bounds, Found, Search

LEVELS = tuple(Bounds(*level) for level in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)))
"""The bounds that are tried one after the other, so that what is found needs as little as possible."""
MOST = 250
"""Executions at one level."""

FOUND_IN = {
    "acked-by-the-primary-alone": "mongodb-rolls-back",
    "acked-before-stored": "a-worker-is-killed",
    "answers-of-a-round-trip-mixed-up": "one-worker",
    "appends-left-out-of-a-command": "several-mailboxes",
    "batch-acked-though-its-place-is-taken": "two-workers",
    "batch-acked-though-one-is-a-retry": "one-worker-gets-a-retry",
    "breaker-never-closes": "redis-is-away",
    "counter-before-insert": "two-workers",
    "degradation-denied": "redis-is-away",
    "destructive-read": "two-workers",
    "dropped-in-silence": "more-than-the-window",
    "empty-answer-cached": "two-workers",
    "equal-timestamps": "two-workers",
    "failed-insert-acked": "mongodb-fails",
    "gap-always-told": "two-workers",
    "gap-never-told": "more-than-the-window",
    "head-believed": "mongodb-fails",
    "held-poll-forgotten": "a-poll-held-in-vain",
    "hole-in-the-subscription": "redis-restarts-empty",
    "lost-notice-unnoticed": "notices-get-lost",
    "message-between-look-and-wait": "a-held-poll",
    "millisecond-timestamps": "two-workers",
    "missing-list-believed": "redis-is-flushed",
    "more-promised-for-ever": "two-workers",
    "newest-page-only": "redis-restarts-empty",
    "no-ttl": "two-workers",
    "outbox-never-drained": "redis-fails",
    "outcome-not-told": "mongodb-fails",
    "page-newest-first": "redis-restarts-empty",
    "pages-of-a-query-mixed-up": "several-polls-without-redis",
    "places-left-out": "two-workers",
    "promoted-replica-believed": "two-primaries",
    "push-before-insert": "an-unknown-send-is-given-up",
    "push-failure-swallowed": "redis-fails",
    "queue-rebuilt-from-a-stale-read": "redis-is-flushed",
    "queue-without-bound": "more-than-the-window",
    "read-overtaken-by-a-notice": "two-workers",
    "redis-breaker-never-closes": "redis-is-away",
    "relay-out-of-order": "redis-is-away",
    "relay-too-late": "redis-is-away",
    "replay-not-told": "a-retry-beside-its-first-attempt",
    "retries-looked-up-first": "a-retry-beside-its-first-attempt",
    "retry-queued-twice": "a-retry-beside-its-first-attempt",
    "since-inclusive": "two-workers",
    "timestamp-before-insert": "two-workers",
    "timestamp-of-the-clock": "the-clock-steps-back",
    "timestamps-compared-as-text": "two-workers",
    "trim-without-fallback": "more-than-the-window",
    "unknown-told-as-not-stored": "an-unknown-send-is-given-up",
    "write-concern-0": "two-workers",
}

SIMULATED_MECHANISMS = [
    "batching",
    "durability",
    "failing",
    "knowing",
    "ordering",
    "polling",
    "promoting",
    "queueing",
    "resting",
    "retention",
    "retries",
    "timestamps",
    "waiting",
]
_HTTP = "what is wrong is in the answer to HTTP"
_TIMEOUT = "what is wrong is a time limit of a driver"
_SPEED = "it makes requests slow, and breaks no rule"
_DAMAGE = "it needs another client that damages a key"
_HEALED = "the worker that pushed to the other Redis pushes again, unless it is killed as well"
_BEYOND = "it is not found within the bounds that are tried"
NOT_SIMULATED = {
    "notice-before-the-write": _BEYOND,
    "reader-stuck": _BEYOND,
    "return-unnoticed": _HEALED,
    "run-id-alone-believed": _HEALED,
    "nothing-for-unavailable": "an empty answer instead of none loses no message",
    "other-content-under-one-id": "no client uses an id for two messages",
    "rest-relied-on": "no reader stays away for long",
    "undurable-messages-read": "it needs a Redis that is away while MongoDB rolls back",
    "acked-before-its-turn": "it takes two senders, a kill and an interruption: more than the bounds here",
    "answers-of-redis-decoded": "it is in the driver's options",
    "bad-entry-is-an-error": _DAMAGE,
    "bad-entry-stops-the-page": _DAMAGE,
    "breaker-opens-on-a-full-pool": "it is in the driver's pool",
    "clock-for-a-cursor": _HTTP,
    "cursor-moved-on-failure": _HTTP,
    "denied-command-is-an-error": "it needs a Redis that denies commands",
    "gap-told-when-just-full": "it needs a mailbox of a thousand messages",
    "journal-not-awaited": "a journal is not simulated",
    "internal-error-for-a-store": _HTTP,
    "local-time-without-a-zone": _HTTP,
    "lock-held-over-the-store": _SPEED,
    "millisecond-cursor": _HTTP,
    "no-mongodb-timeout": _TIMEOUT,
    "no-redis-timeout": _TIMEOUT,
    "query-before-the-poll-used": "a reader may get a message two seconds late",
    "retries-known-to-one-process": "what it remembers is of an operating system's process, and there is one",
    "snapshot-believed": _BEYOND,
    "sign-in-hangs": "signing in is not simulated",
    "silent-redis-waited-for": _TIMEOUT,
    "silent-redis-waited-for-again": _TIMEOUT,
    "wrong-type-is-an-error": _DAMAGE,
}
"""Mutants of the same mechanisms that it cannot find, and why."""


@dataclass(frozen=True)
class Hunt:
    """How a mutant was found: at which level, after how many executions of all levels."""

    mutant: str
    scenario: str
    bounds: Bounds
    executions: int
    found: Found


def hunt(mutant: str, scenario: str) -> Hunt | None:
    """Try the levels one after the other; return how the mutant is found."""
    executions, may_fail = 0, True
    with broken_by(mutant):
        for bounds in LEVELS:
            if bounds.faults and not may_fail:
                continue
            search = Search(SCENARIOS[scenario], bounds)
            found = search.run(MOST)
            may_fail = search.may_fail
            executions += search.executions
            if found:
                return Hunt(mutant, scenario, bounds, executions, found)
    return None


def hunts() -> Iterator[Hunt | str]:
    """Yield how each mutant is found, or the name of one that is not."""
    for mutant, scenario in FOUND_IN.items():
        yield hunt(mutant, scenario) or mutant
