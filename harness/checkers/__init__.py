"""One pure function for each promise: `no_loss(history) -> Judgement`. docs/verdicts.md states the rules."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from msgspec.structs import replace

from harness.checkers.available import available
from harness.checkers.bounded import bounded
from harness.checkers.clients.promises import CLIENT_PROMISES
from harness.checkers.contiguous import contiguous
from harness.checkers.cursor import cursor
from harness.checkers.evidence import evidence
from harness.checkers.no_duplicate import no_duplicate
from harness.checkers.no_leak import no_leak
from harness.checkers.no_loss import no_loss
from harness.checkers.no_phantom import no_phantom
from harness.checkers.on_time import delivery_delays_s, on_time
from harness.checkers.order import order
from harness.checkers.promise import Demand, Promise
from harness.checkers.promised import is_made, not_promised
from harness.checkers.promises import PROMISES
from harness.checkers.recovers import recovers
from harness.checkers.refusals import private, refuses
from harness.checkers.retention_told import has_retention_to_tell, retention_told
from harness.checkers.stops_cleanly import stops_cleanly
from harness.checkers.traits import with_common_traits
from harness.checkers.unreadable import in_doubt, readable
from harness.history import History
from harness.history.gc_paused import gc_paused
from harness.verdict import Checker, Judgement, Verdict

__all__ = [
    "CHECKERS",
    "CLIENT_PROMISES",
    "DELIVERY",
    "PROMISES",
    "Demand",
    "Promise",
    "applying_to",
    "available",
    "bounded",
    "contiguous",
    "cursor",
    "delivery_delays_s",
    "has_retention_to_tell",
    "is_made",
    "no_duplicate",
    "no_leak",
    "no_loss",
    "no_phantom",
    "not_promised",
    "on_time",
    "order",
    "private",
    "promise_of",
    "recovers",
    "refuses",
    "retention_told",
    "run_checker",
    "stops_cleanly",
]

CHECKERS: Mapping[str, Checker] = {promise.name: promise.checker for promise in (*PROMISES, *CLIENT_PROMISES)}
"""The checker of each promise, by the promise's name."""
DELIVERY: tuple[Checker, ...] = tuple(it.checker for it in PROMISES if it.demand is Demand.DELIVERY)
"""The checkers of what is promised for each message, whatever happens."""


def applying_to(history: History) -> list[str]:
    """Return the names of the promises that this history has enough events to judge."""
    return [
        promise.name
        for promise in (PROMISES if history.client is None else CLIENT_PROMISES)
        if promise.can_be_judged(history) and not not_promised(promise.name, history)
    ]


def promise_of(checker: Checker) -> str:
    """Return the promise a checker judges: its registered name, or one made from its function's name."""
    for promise, registered in CHECKERS.items():
        if registered is checker:
            return promise
    return str(getattr(checker, "__name__", checker)).replace("_", "-")


def run_checker(checker: Checker, history: History) -> Judgement:
    """Run one checker, and add to its evidence what every verdict rests on.

    It is skipped if the target does not make the promise, and proves nothing by answers that the profile may
    not fit. If it crashes, the judgement is inconclusive, and its reason names the exception.
    """
    try:
        with gc_paused():
            if why := not_promised(promise_of(checker), history):
                return Judgement(promise_of(checker), Verdict.SKIPPED, f"{why}.")
            judgement = with_common_traits(checker(readable(history)), history)
            judgement = in_doubt(judgement, history)
            return replace(judgement, evidence={**judgement.evidence, "rests_on": evidence(history)})
    except Exception as error:  # noqa: BLE001 - whatever a checker raises, the run goes on and is inconclusive
        promise = promise_of(checker)
        reason = f"the checker of '{promise}' crashed: {type(error).__name__}: {error}"
        return Judgement(promise, Verdict.INCONCLUSIVE, reason, (), {"traceback": traceback.format_exc()})
