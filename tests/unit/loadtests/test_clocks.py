"""A worker's clock against its master's: the estimate is never further off than its error says."""

from __future__ import annotations

from random import Random

import pytest

from loadtests.clocks import DRIFT, Clock

MS = 1_000_000
S = 1000 * MS


def test_the_middle_of_a_round_trip_is_when_the_master_answered() -> None:
    clock = Clock(is_the_master_s=False)
    clock.heard(10 * S, 500 * S, 10 * S + 4 * MS)
    assert clock.to_master(10 * S + 2 * MS) == 500 * S
    assert clock.from_master(500 * S) == 10 * S + 2 * MS
    assert clock.error_ns(10 * S + 4 * MS) == 2 * MS


def test_the_shortest_round_trip_is_kept_until_the_clocks_may_have_drifted_apart() -> None:
    clock = Clock(is_the_master_s=False)
    clock.heard(0, 100 * S, 2 * MS)
    clock.heard(1 * S, 101 * S + 3 * MS, 1 * S + 10 * MS)  # a longer one says less
    assert clock.to_master(1 * MS) == 100 * S
    clock.heard(100 * S, 200 * S + 7 * MS, 100 * S + 10 * MS)  # the first may be off by 10 ms by now
    assert clock.to_master(100 * S + 5 * MS) == 200 * S + 7 * MS


@pytest.mark.parametrize("seed", range(20))
def test_the_estimate_is_never_further_off_than_its_error(seed: int) -> None:
    random = Random(seed)
    offset_ns, rate = random.randrange(-(10**15), 10**15), 1 + random.uniform(-DRIFT, DRIFT) / 2
    clock = Clock(is_the_master_s=False)

    def master_ns(own_ns: int) -> int:
        return round(own_ns * rate) + offset_ns

    now_ns = 0
    for _ in range(300):
        out_ns, back_ns = (int(random.expovariate(1 / (3 * MS))) for _ in range(2))
        clock.heard(now_ns, master_ns(now_ns + out_ns), now_ns + out_ns + back_ns)
        now_ns += out_ns + back_ns + random.randrange(1, 2 * S)
        assert abs(clock.to_master(now_ns) - master_ns(now_ns)) <= clock.error_ns(now_ns) + 1


def test_a_process_without_a_master_has_the_masters_clock() -> None:
    clock = Clock()
    assert clock.is_known
    assert clock.to_master(7) == clock.from_master(7) == 7
    assert clock.error_ns(10**18) == 0


def test_before_any_reading_nothing_is_known() -> None:
    assert not Clock(is_the_master_s=False).is_known
