from __future__ import annotations

import math

import pytest

from benchmarks.statistics import NOTCH, summary
from benchmarks.verdicts import verdict
from harness.verdict import Verdict
from tests.unit.benchmarks.made import BUSY, QUIET


def test_the_median_its_quartiles_and_its_notch() -> None:
    found = summary([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (found.median, found.q1, found.q3, found.rounds) == (3.0, 2.0, 4.0, 5)
    half = NOTCH * 2.0 / math.sqrt(5)
    assert (found.low, found.high) == pytest.approx((3.0 - half, 3.0 + half))


def test_one_outlier_moves_neither_the_median_nor_the_spread() -> None:
    calm, disturbed = summary([1.0, 2.0, 3.0, 4.0, 5.0]), summary([1.0, 2.0, 3.0, 4.0, 5_000.0])
    assert disturbed == calm


def test_a_single_round_has_no_spread() -> None:
    found = summary([7.0])
    assert (found.median, found.low, found.high, found.rounds) == (7.0, 7.0, 7.0, 1)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]], ids=["none", "nan", "infinite"])
def test_rounds_that_say_nothing_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="must be finite numbers, at least one"):
        summary(values)


class TestVerdicts:
    def test_a_bound_that_is_met_exactly_is_kept(self) -> None:
        assert verdict(summary([1.6]), 1.6, QUIET, more_is_better=False) == (Verdict.PASS, "")
        assert verdict(summary([0.4]), 0.4, QUIET, more_is_better=True) == (Verdict.PASS, "")

    def test_a_missed_bound_is_a_failure_in_either_direction(self) -> None:
        said = verdict(summary([2.0, 2.0, 2.0]), 1.6, QUIET, more_is_better=False)
        assert said == (Verdict.FAIL, "the median is 2, not at most 1.6")
        said = verdict(summary([0.2, 0.2, 0.2]), 0.4, QUIET, more_is_better=True)
        assert said == (Verdict.FAIL, "the median is 0.2, not at least 0.4")

    def test_on_a_busy_machine_a_missed_bound_is_inconclusive_and_a_kept_one_is_kept(self) -> None:
        found, reason = verdict(summary([2.0]), 1.6, BUSY, more_is_better=False)
        assert found is Verdict.INCONCLUSIVE
        assert reason == "other programs used 62% of the processors, the hypervisor 3%"
        assert verdict(summary([1.0]), 1.6, BUSY, more_is_better=False)[0] is Verdict.PASS

    def test_rounds_that_differ_by_more_than_the_miss_are_inconclusive(self) -> None:
        found, reason = verdict(summary([1.2, 1.7, 2.4]), 1.6, QUIET, more_is_better=False)
        assert found is Verdict.INCONCLUSIVE
        assert reason.startswith("the rounds differ too much: the median may be 1.1")
