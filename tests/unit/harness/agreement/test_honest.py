"""A correct server never fails over its messages, whatever it retains and however few fields it has."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.checkers import DELIVERY, retention_told
from harness.history import History
from harness.verdict import Verdict

from .histories import little, plans, retained
from .plans import Plan
from .simulated import play
from .sparse_servers import nothing_has_a_timestamp
from .spoiling import Choice, Spoiler


@settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(plans, retained, st.booleans(), st.sampled_from((2_000, 6_000)), little)
def test_a_correct_server_loses_nothing_and_reports_every_gap(
    plan: Plan, retained: int, drops: bool, lingers_ms: int, little: list[tuple[Spoiler, Choice]]
) -> None:
    left_out = [spoil for spoil, _ in little]
    assume(nothing_has_a_timestamp not in left_out or not _begins_in_the_future(plan))
    events = play(replace(plan, retained=retained, drops=drops, lingers_ms=lingers_ms))
    for tell_less, choice in little:
        tell_less(events, choice)
    history = History.from_events(events)
    for checker in (*DELIVERY, retention_told):
        judgement = checker(history)
        assert judgement.verdict is not Verdict.FAIL, judgement.reason


def _begins_in_the_future(plan: Plan) -> bool:
    """Whether some consumer begins with a cursor that no server can have handed out yet."""
    return any((consumer.starts_at_ms or 0) > consumer.begins_ms for consumer in plan.consumers)
