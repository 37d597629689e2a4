from __future__ import annotations

from collections.abc import Callable

from harness.checkers import no_leak
from harness.checkers.no_leak import LIMITS
from harness.verdict import Judgement, Verdict

from .histories import Story


def judged(minutes: float, **series: Callable[[float], float]) -> Judgement:
    """A look every second; what is not named stays at 40."""
    story = Story()
    for second in range(int(minutes * 60)):
        values = {name: series.get(name, lambda hours: 40.0)(second / 3600) for name in LIMITS}
        story.vitals(float(second), values)
    return no_leak(story.history())


def wobbling(per_hour: float) -> Callable[[float], float]:
    """Up and down by 1 every half minute, around a line."""
    return lambda hours: 100 + per_hour * hours + (1 if int(hours * 120) % 2 else -1)


def test_what_stays_the_same_passes() -> None:
    judgement = judged(2)
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["server_memory_mb"]["at_most"] == 0


def test_a_leak_is_reported_with_its_lower_bound() -> None:
    judgement = judged(60, server_memory_mb=lambda hours: 100 + 60 * hours)
    assert [found.kind for found in judgement.findings] == ["grows"]
    assert "server_memory_mb grew from 100.0 at 0.000 s to 160.0 at 3599.000 s" in judgement.reason
    assert "by at least 54.66 per hour, and 8 is allowed" in judgement.reason


def test_a_pool_that_grew_once_is_not_a_leak() -> None:
    judgement = judged(8, server_files=lambda hours: 59 if hours < 0.1 else 61)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "server_files grows by" in judgement.reason


def test_a_short_look_at_something_that_moves_is_inconclusive() -> None:
    judgement = judged(2, redis_data_mb=wobbling(0))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "redis_data_mb grows by" in judgement.reason
    assert "the run was too short to decide" in judgement.reason


def test_a_long_look_at_the_same_passes() -> None:
    assert judged(180, redis_data_mb=wobbling(0)).verdict is Verdict.PASS
    assert judged(180, redis_data_mb=wobbling(3)).verdict is Verdict.FAIL


def test_without_looks_nothing_is_known() -> None:
    judgement = no_leak(Story().history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "server_files was measured 0 times: too few to see a trend" in judgement.reason
