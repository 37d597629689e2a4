"""Shrinking ends with what decides, whatever decides; what a case does is a function here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.chaos.catalog import CATALOG
from harness.chaos.schedule import FaultSchedule, draw
from harness.chaos.schedule_file import Case, as_text
from harness.chaos.shrinking import OutOfTime, shrink

QUIET_S = 6.0


def case(seed: int, minutes: float = 4.0) -> Case:
    schedule = draw(seed, CATALOG, total_s=minutes * 60, quiet_s=QUIET_S)
    return Case(schedule, seed, "reference", workers=4)


def names(schedule: FaultSchedule) -> list[str]:
    return [fault.kind.full_name for fault in schedule.faults]


def needing(*faults: str) -> Callable[[Case, str], bool]:
    return lambda tried, what: set(faults) <= set(names(tried.schedule))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_what_is_left_is_what_decides(seed: int, data: st.DataObject) -> None:
    first = case(seed)
    different = sorted(set(names(first.schedule)))
    wanted = data.draw(st.lists(st.sampled_from(different), min_size=1, max_size=3, unique=True))
    smallest = shrink(first, needing(*wanted))
    assert sorted(names(smallest.schedule)) == sorted(wanted)
    assert smallest.workers == 1
    assert (smallest.schedule.traffic.pairs, smallest.schedule.traffic.varied) == (1, False)
    assert not smallest.schedule.traffic.retrying
    for fault in smallest.schedule.faults:
        assert fault.lasts_s <= fault.kind.lasts_s[0] or fault.lasts_s < 1


def test_a_failure_without_any_fault_needs_one_try() -> None:
    tried: list[str] = []

    def fails(one: Case, what: str) -> bool:
        tried.append(what)
        return True

    smallest = shrink(case(7), fails)
    assert (smallest.schedule.faults, smallest.schedule.total_s) == ((), 10.0)
    assert tried[0] == "no fault at all"


def test_the_likely_faults_are_tried_first() -> None:
    first = case(7)
    outage = next(outage for outage in first.schedule.outages if len(outage) > 1)
    tried: list[str] = []

    def fails(one: Case, what: str) -> bool:
        tried.append(what)
        return outage[-1].kind.full_name in names(one.schedule)

    smallest = shrink(first, fails, likely=[outage])
    assert names(smallest.schedule) == [outage[-1].kind.full_name]
    assert tried[:2] == ["no fault at all", outage[-1].kind.full_name]


def test_no_case_is_tried_twice() -> None:
    tried: list[str] = []

    def fails(one: Case, what: str) -> bool:
        tried.append(as_text(one))
        return len(one.schedule.faults) >= 3

    assert len(shrink(case(3), fails).schedule.faults) == 3
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize("steps", range(12))
def test_without_time_the_smallest_so_far_remains(steps: int) -> None:
    left = [steps]
    first, failing = case(5), list[Case]()

    def fails(one: Case, what: str) -> bool:
        if not left[0]:
            raise OutOfTime
        left[0] -= 1
        if "redis killed" not in names(one.schedule):
            return False
        failing.append(one)
        return True

    assert shrink(first, fails) == (failing[-1] if failing else None)


def test_what_never_fails_again_is_not_made_small() -> None:
    tried: list[str] = []

    def fails(one: Case, what: str) -> bool:
        tried.append(what)
        return False

    first = case(7)
    outage = next(outage for outage in first.schedule.outages if len(outage) > 1)
    assert shrink(first, fails, likely=[outage]) is None
    assert tried[0] == "no fault at all"
    assert tried[-1] == "the whole schedule"


def test_the_whole_schedule_is_tried_where_no_guess_fails() -> None:
    first = case(7)
    one, other = first.schedule.outages[0][0], first.schedule.outages[-1][0]
    smallest = shrink(
        first, needing(one.kind.full_name, other.kind.full_name), likely=first.schedule.outages[:1]
    )
    assert smallest is not None
    assert sorted(names(smallest.schedule)) == sorted([one.kind.full_name, other.kind.full_name])


def test_every_case_can_be_played() -> None:
    """Outages stay a quiet period apart, and nothing comes before the warm-up."""
    random = Random(1)

    def fails(one: Case, what: str) -> bool:
        free_s = 4.0
        for outage in one.schedule.outages:
            assert outage
            assert outage[0].at_s >= free_s
            assert list(outage) == sorted(outage, key=lambda fault: fault.at_s)
            free_s = round(max(fault.ends_at_s for fault in outage) + QUIET_S, 1)
        assert one.schedule.total_s >= free_s
        return random.random() < 0.5

    for seed in range(20):
        shrink(case(seed), fails)


def test_clocks_are_left_out_with_the_last_fault_that_needs_them() -> None:
    first = next(it for it in map(case, range(50)) if it.schedule.with_clocks)
    smallest = shrink(first, needing("redis refused"))
    assert not smallest.schedule.with_clocks
    kept = shrink(first, lambda one, what: any(it.kind.store == "clock" for it in one.schedule.faults))
    assert kept.schedule.with_clocks


def test_nothing_else_of_a_case_changes() -> None:
    first = case(11)
    smallest = shrink(first, needing(first.schedule.faults[-1].kind.full_name))
    assert smallest is not None
    assert replace(smallest, schedule=first.schedule, workers=first.workers) == first
