"""A fault with unknown effects makes every promise inconclusive."""

from __future__ import annotations

from typing import Any

import pytest

from harness.chaos.catalog import CATALOG, ON_REQUEST
from harness.checkers import CHECKERS
from harness.history import EFFECTS
from harness.verdict import Verdict

from .histories import Story, message


def healthy(**fault: Any) -> Story:
    """Much that every promise can be judged by, and one fault."""
    story = Story().poll(0.0)
    story.fault("redis slow", inject=0.1, active=0.2, heal=5.0, healed=5.1)
    for event in story.events:
        if event["kind"] == "fault":
            event |= fault
    for number in range(20):
        at = 0.5 + number
        story.send(f"m{number}", at).poll(at + 0.2, message(f"m{number}", at))
    return story.drained(50)


@pytest.mark.parametrize("promise", ["no-loss", "order", "on-time", "available", "recovers"])
@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"name": "redis refuse"}, "the effects of the fault 'redis refuse' on 'redis' are unknown"),
        ({"effects": ["everything"]}, "the effects of the fault 'redis slow' on 'redis' are unknown"),
        ({"store": "kafka"}, "the effects of the fault 'redis slow' on 'kafka' are unknown"),
    ],
)
def test_it_is_inconclusive_with_one_sentence(promise: str, fault: dict[str, Any], named: str) -> None:
    judge = CHECKERS[promise]
    assert judge(healthy().history()).verdict is Verdict.PASS
    judgement = judge(healthy(**fault).history())
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, named)


def test_it_does_not_hide_what_no_fault_can_explain() -> None:
    story = healthy(name="redis refuse").poll(30.0, message("never sent", 29.0))
    assert CHECKERS["no-phantom"](story.history()).verdict is Verdict.FAIL


def test_every_fault_that_random_chaos_draws_is_known() -> None:
    assert {kind.full_name for kind in (*CATALOG, *ON_REQUEST)} <= EFFECTS.keys()
