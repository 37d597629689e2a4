from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.spans import Spans

points = st.integers(0, 30)
spans = st.lists(st.tuples(points, points).map(lambda pair: (float(min(pair)), float(max(pair)))), max_size=5)


@given(spans, points, points)
def test_touch_is_what_every_single_span_says(
    given_spans: list[tuple[float, float]], one: int, other: int
) -> None:
    start, end = sorted((one, other))
    naive = any(begin <= end and start <= stop for begin, stop in given_spans)
    assert Spans(given_spans).touch(start, end) == naive


@given(spans)
def test_the_total_counts_overlaps_once(given_spans: list[tuple[float, float]]) -> None:
    covered = {unit for begin, stop in given_spans for unit in range(int(begin), int(stop))}
    assert Spans(given_spans).total_ns() == len(covered)


def test_the_quiet_period_ends_after_the_first_gap_that_is_long_enough() -> None:
    assert Spans([(5, 6), (8, 9)]).quiet_end_ns(0, 3) == 3
    assert Spans([(2, 3), (5, 6)]).quiet_end_ns(0, 4) == 10
    assert Spans([(2, math.inf)]).quiet_end_ns(0, 4) == math.inf
