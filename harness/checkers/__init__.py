"""One pure function a promise: `no_loss(history) -> Judgement`. What each rule is, docs/verdicts.md says."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from msgspec.structs import replace

from harness.checkers.available import available
from harness.checkers.bounded import bounded
from harness.checkers.contiguous import contiguous
from harness.checkers.cursor import cursor
from harness.checkers.evidence import evidence
from harness.checkers.no_duplicate import no_duplicate
from harness.checkers.no_leak import no_leak
from harness.checkers.no_loss import no_loss
from harness.checkers.no_phantom import no_phantom
from harness.checkers.on_time import delivery_delays_s, on_time
from harness.checkers.order import order
from harness.checkers.promises import PROMISES, Demand, Promise
from harness.checkers.recovers import recovers
from harness.checkers.refusals import private, refuses
from harness.checkers.retention_told import has_retention_to_tell, retention_told
from harness.checkers.special import with_common_traits
from harness.checkers.stops_cleanly import stops_cleanly
from harness.history import History
from harness.history.uncollected import uncollected
from harness.verdict import Checker, Judgement, Verdict

__all__ = [
    "CHECKERS",
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
    "no_duplicate",
    "no_leak",
    "no_loss",
    "no_phantom",
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

CHECKERS: Mapping[str, Checker] = {promise.name: promise.checker for promise in PROMISES}
"""Who judges each promise, by its name."""
DELIVERY: tuple[Checker, ...] = tuple(it.checker for it in PROMISES if it.demand is Demand.DELIVERY)
"""What is promised of each message, whatever happens."""


def applying_to(history: History) -> list[str]:
    """The promises that can be judged over any history that has what they are judged by."""
    return [promise.name for promise in PROMISES if promise.can_be_judged(history)]


def promise_of(checker: Checker) -> str:
    """The promise a checker judges: its registered name, or for someone else's checker, its function's."""
    for promise, registered in CHECKERS.items():
        if registered is checker:
            return promise
    return str(getattr(checker, "__name__", checker)).replace("_", "-")


def run_checker(checker: Checker, history: History) -> Judgement:
    """Run one checker, and tell beside its own evidence what every verdict rests on.

    If it crashes, the promise is undecided, and the reason names the exception.
    """
    try:
        with uncollected():
            judgement = with_common_traits(checker(history), history)
            return replace(judgement, evidence={**judgement.evidence, "rests_on": evidence(history)})
    except Exception as error:  # noqa: BLE001 - whatever a checker raises, the run goes on and is inconclusive
        promise = promise_of(checker)
        reason = f"the checker of '{promise}' crashed: {type(error).__name__}: {error}"
        return Judgement(promise, Verdict.INCONCLUSIVE, reason, (), {"traceback": traceback.format_exc()})
