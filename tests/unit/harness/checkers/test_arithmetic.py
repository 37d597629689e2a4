"""The 2 s arithmetic: how often even a perfect server is late, and not more."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.arithmetic import allowed_misses, exact_percentile, floor_share, smoothed_round_trip, summary


def test_what_comes_with_a_later_page_is_later_by_the_pages_before() -> None:
    whole = floor_share([0.1, 0.1, 0.1], 2.0, 0.5, in_round_s=[0.1, 0.1, 0.3])
    assert whole == pytest.approx((0.0 + 0.2) / 2 / 2.0)


def test_with_constant_round_trips_a_perfect_server_is_never_late() -> None:
    assert floor_share([0.1] * 50, 2.0, 0.5) == 0


def test_the_floor_is_the_mean_excess_over_the_smoothed_round_trip() -> None:
    """Smoothed: 0.1, then 0.1 + (0.3 - 0.1) / 8 = 0.125; excesses: 0.2, then 0."""
    assert floor_share([0.1, 0.3, 0.1], 2.0, 0.5) == pytest.approx((0.2 + 0.0) / 2 / 2.0)


def test_round_trips_beyond_the_acceptable_are_forgiven_only_up_to_it() -> None:
    assert floor_share([0.1, 5.0], 2.0, 0.5) == pytest.approx((0.5 - 0.1) / 2.0)


def test_a_bound_wider_than_the_interval_forgives_less() -> None:
    assert floor_share([0.1, 0.5], 1.0, 0.5, slack_s=0.3) == pytest.approx(0.1)
    assert floor_share([0.1, 0.5], 1.0, 0.5, slack_s=1.0) == 0


def test_a_bound_narrower_than_the_interval_forgives_what_no_server_can_keep() -> None:
    assert floor_share([0.1, 0.1], 3.0, 0.5, slack_s=-1.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize("round_trips", [[], [0.4]])
def test_too_few_round_trips_forgive_nothing(round_trips: list[float]) -> None:
    assert floor_share(round_trips, 2.0, 0.5) == 0


def test_the_floor_agrees_with_a_simulated_perfect_server() -> None:
    """A million acks, thrown at the schedule the client really keeps."""
    chance = random.Random(1)
    round_trips = [0.01 + chance.expovariate(20) for _ in range(2000)]
    smoothed: float | None = None
    late = total = 0.0
    for this, following in itertools.pairwise(round_trips):
        smoothed = smoothed_round_trip(smoothed, this)
        gap = 2.0 - smoothed
        late += max(
            0.0, gap + following - 2.0
        )  # of acks spread evenly over the gap, those that wait over 2 s
        total += gap
    assert floor_share(round_trips, 2.0, 9.9) == pytest.approx(late / total, rel=0.05)


@pytest.mark.parametrize(("n", "share", "k"), [(0, 0.5, 0), (100, 0.0, 0), (7, 1.0, 7), (1, 0.0005, 0)])
def test_allowed_misses_at_the_edges(n: int, share: float, k: int) -> None:
    assert allowed_misses(n, share) == k


@given(st.integers(1, 60), st.floats(0.001, 0.999))
def test_allowed_misses_is_the_smallest_that_a_perfect_server_hardly_exceeds(n: int, share: float) -> None:
    def beyond(k: int) -> float:
        return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1, n + 1))

    k = allowed_misses(n, share)
    assert beyond(k) < 0.001 + 1e-9
    assert k == 0 or beyond(k - 1) >= 0.001 - 1e-9


def test_allowed_misses_of_a_million_messages() -> None:
    """Mean 10,000, deviation 99.5; the one-sided 0.1 per cent lies 3.09 deviations above."""
    assert allowed_misses(1_000_000, 0.01) == pytest.approx(10_000 + 3.09 * 99.5, abs=3)


@pytest.mark.parametrize(("q", "value"), [(0, 1), (50, 10), (95, 19), (99, 20), (100, 20)])
def test_percentiles_are_values_that_were_measured(q: float, value: float) -> None:
    assert exact_percentile(list(range(20, 0, -1)), q) == value


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert exact_percentile([3.5], 1) == exact_percentile([3.5], 100) == 3.5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: exact_percentile([], 50),
        lambda: exact_percentile([1.0], 101),
        lambda: floor_share([1.0], 0, 0.5),
        lambda: allowed_misses(10, 1.5),
    ],
)
def test_what_has_no_answer_is_an_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"percentile|interval|share"):
        wrong()


def test_a_summary_has_no_numbers_for_nothing_and_for_infinity() -> None:
    assert summary([]) == {"n": 0, "p50": None, "p95": None, "p99": None, "max": None}
    assert summary([1.0, 2.0, math.inf]) == {"n": 3, "p50": 2.0, "p95": None, "p99": None, "max": None}
