"""Figures of several processes are added up without loss, and are exact to a millisecond around 2 s."""

from __future__ import annotations

import json
from random import Random

import pytest

from loadtests.figures import TIMES, Figures

MS = 1_000_000


def figures(*delivered_ms: float) -> Figures:
    made = Figures()
    for waited_ms in delivered_ms:
        made.took("delivery", int(waited_ms * MS))
    return made


@pytest.mark.parametrize("waited_ms", [1998, 1999, 2000, 2001, 2002, 5003])
def test_times_around_two_seconds_are_exact_to_a_millisecond(waited_ms: int) -> None:
    assert figures(waited_ms).percentile_ms("delivery", 50) == pytest.approx(waited_ms, abs=0.3)


def test_what_workers_counted_is_the_same_as_if_one_process_had_counted_it() -> None:
    random = Random(7)
    times = [random.uniform(0.01, 4000) for _ in range(3000)]
    alone, master = figures(*times), Figures()
    for part in (times[:1000], times[1000:1001], times[1001:]):
        worker = figures(*part)
        worker.counts["late"] += 2
        worker.sums_s["excess"] += 0.5
        master.add(json.loads(json.dumps(worker.to_message())))
    assert master.counts["late"] == 6
    assert master.sums_s["excess"] == 1.5
    assert master.number_of("delivery") == 3000
    for q in (0.1, 50, 95, 99, 99.9, 100):
        assert master.percentile_ms("delivery", q) == alone.percentile_ms("delivery", q)


def test_what_never_ended_is_longer_than_everything() -> None:
    made = figures(*([100] * 98))
    assert made.percentile_ms("delivery", 50, never=2) == pytest.approx(100, abs=0.1)
    assert made.percentile_ms("delivery", 98, never=2) == pytest.approx(100, abs=0.1)
    assert made.percentile_ms("delivery", 99, never=2) is None


def test_of_no_times_there_is_no_percentile() -> None:
    assert Figures().percentile_ms("send", 50) is None
    assert Figures().percentile_ms("send", 50, never=3) is None
    assert Figures().longest_ms("send") == 0


def test_times_beyond_the_longest_are_counted_as_the_longest() -> None:
    assert figures(10_000_000).number_of("delivery") == 1
    assert figures(-1).number_of("delivery") == 1


def test_cleared_figures_are_new_ones() -> None:
    made = figures(5)
    made.counts["late"] += 1
    made.clear()
    assert made.number_of("delivery") == 0
    assert made.counts["late"] == 0
    assert set(made.to_message()["times"]) == set(TIMES)
