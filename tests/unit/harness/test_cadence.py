"""At which fractions of a second a sender sends: a cadence that repeats them hides bugs of the others."""

from __future__ import annotations

import pytest

from harness.run.senders import OFF_BEAT


@pytest.mark.parametrize(("interval_s", "sends"), [(0.1, 30), (0.2, 17), (0.25, 30), (0.5, 30), (1.0, 30)])
def test_no_tenth_of_a_second_is_left_out(interval_s: float, sends: int) -> None:
    fractions = sorted(number * OFF_BEAT * interval_s % 1 for number in range(sends))
    around = [*fractions, fractions[0] + 1]
    assert max(later - earlier for earlier, later in zip(fractions, around[1:], strict=True)) < 0.1
