from __future__ import annotations

import random

import pytest

from harness.checkers.trend import FEWEST, trend


def samples(per_hour: float, *, minutes: float, noise: float, seed: int = 1) -> list[tuple[float, float]]:
    """One a second, around a line that begins at 100."""
    random_ = random.Random(seed)
    return [(s, 100 + per_hour * s / 3600 + random_.gauss(0, noise)) for s in range(int(minutes * 60))]


def test_a_slope_without_noise_is_exact() -> None:
    found = trend(samples(7.2, minutes=10, noise=0))
    assert found is not None
    assert (found.low, found.per_hour, found.high) == pytest.approx((7.2, 7.2, 7.2))
    assert found.level == pytest.approx(100 + 7.2 * (150 + 599) / 2 / 3600)


def test_what_stays_the_same_has_no_slope_and_no_doubt() -> None:
    found = trend([(second, 12.0) for second in range(100)])
    assert found is not None
    assert (found.low, found.per_hour, found.high) == (0, 0, 0)


def test_the_true_slope_is_between_the_bounds_in_nineteen_of_twenty_cases() -> None:
    found = [trend(samples(5, minutes=10, noise=3, seed=seed)) for seed in range(400)]
    inside = sum(one is not None and one.low <= 5 <= one.high for one in found)
    assert 0.91 * 400 <= inside <= 0.985 * 400


def test_the_longer_one_looks_the_surer_one_is() -> None:
    short, long = (trend(samples(5, minutes=minutes, noise=1)) for minutes in (2, 60))
    assert short is not None
    assert long is not None
    assert long.high - long.low < (short.high - short.low) / 50


def test_a_warm_up_is_not_growth() -> None:
    found = trend([(second, min(second, 100)) for second in range(1000)])
    assert found is not None
    assert found.high == 0


def test_too_few_samples_have_no_trend() -> None:
    assert trend([]) is None
    assert trend(samples(1, minutes=FEWEST / 60, noise=0)) is None
