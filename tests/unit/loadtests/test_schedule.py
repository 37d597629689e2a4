"""When users send is drawn from the seed alone, so that no server can slow the load down."""

from __future__ import annotations

import math
from itertools import pairwise, takewhile

import pytest

from loadtests.schedule import AWAY, SHAPES, SPIKE, SPIKE_TIMES, Load, recorded_share

RUN_S = 1000.0


def load(shape: str = "steady", *, seed: int = 7, send_every_s: float = 0.5) -> Load:
    return Load(seed, send_every_s, SHAPES[shape], RUN_S)


def sends(of: Load, user: str = "0x1", since_s: float = 0.0) -> list[float]:
    return list(takewhile(lambda at_s: at_s < RUN_S, of.sends(user, since_s)))


def test_the_same_seed_draws_the_same_times() -> None:
    assert sends(load()) == sends(load())
    assert sends(load()) != sends(load(seed=8))
    assert sends(load()) != sends(load(), user="0x2")


def test_the_times_are_a_poisson_process_of_the_given_rate() -> None:
    times = sends(load())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    assert len(times) == pytest.approx(2000, abs=4 * math.sqrt(2000))
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation == pytest.approx(mean, rel=0.1)  # as of an exponential distribution


def test_a_user_who_comes_later_sends_from_then_on() -> None:
    times = sends(load(), since_s=900.0)
    assert min(times) > 900.0
    assert len(times) == pytest.approx(200, abs=4 * math.sqrt(200))


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_as_dense_as_it_says(shape: str) -> None:
    of = load(shape)
    times = sends(of)
    for part in (0.0, 0.25, 0.42, 0.47, 0.55, 0.75):
        expected = (
            sum(of.level((part + step / 100 + 0.005) * RUN_S) for step in range(5)) * 0.01 * RUN_S / 0.5
        )
        found = sum(part * RUN_S <= at_s < (part + 0.05) * RUN_S for at_s in times)
        assert found == pytest.approx(expected, abs=5 * math.sqrt(expected) + 3), part


def test_the_shapes_differ_as_they_are_meant_to() -> None:
    assert load("ramp").level(0.9 * RUN_S) == pytest.approx(0.9)
    assert load("ramp").level(2 * RUN_S) == 1
    assert load("spike").level(SPIKE[0] * RUN_S) == SPIKE_TIMES
    assert load("spike").level(SPIKE[1] * RUN_S) == 1
    assert load("storm").level(AWAY[0] * RUN_S) == 0
    assert load("storm").away() == (400.0, 500.0)
    assert load("fault").fault() == (400.0, 500.0)
    assert load().away() is None
    assert load().fault() is None


def test_without_a_run_time_the_load_is_steady() -> None:
    endless = Load(7, 0.5, SHAPES["steady"], math.inf)
    assert len(list(takewhile(lambda at_s: at_s < 100, endless.sends("0x1", 0.0)))) > 100


def test_long_runs_are_recorded_in_part() -> None:
    assert recorded_share(100, 10.0, 60.0, most_lines=100_000) == 1.0
    assert recorded_share(1000, 1.0, 3600.0, most_lines=100_000) == pytest.approx(0.0111, abs=0.001)
    assert recorded_share(1000, 1.0, math.inf, most_lines=100_000) == pytest.approx(0.0111, abs=0.001)
