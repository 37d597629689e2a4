"""Schedules of random chaos: the same seed draws the same, and every one leaves time to judge a recovery."""

from itertools import pairwise

import hypothesis
import pytest
from hypothesis import strategies as st

from harness.chaos.catalog import CATALOG, LONG_S
from harness.chaos.schedule import WARM_UP_S, draw, quiet_s
from harness.errors import UsageError
from harness.history import Bounds

QUIET_S = quiet_s(Bounds())
seeds = st.integers(0, 2**32 - 1)
lengths_s = st.floats(14, 600)
some_kinds = st.lists(st.sampled_from(CATALOG), min_size=1, unique_by=lambda kind: kind.full_name)


def given(*strategies):
    """Without a deadline: how fast a busy machine draws is no property of a schedule."""
    relaxed = hypothesis.settings(deadline=None, max_examples=50)
    return lambda test: relaxed(hypothesis.given(*strategies)(test))


def schedule(seed, total_s=120.0, kinds=CATALOG):
    return draw(seed, kinds, total_s=total_s, quiet_s=QUIET_S)


@given(seeds, lengths_s, some_kinds)
def test_the_same_seed_draws_the_same_schedule(seed, total_s, kinds):
    assert schedule(seed, total_s, kinds) == schedule(seed, total_s, kinds)


@given(st.lists(seeds, min_size=2, max_size=2, unique=True))
def test_different_seeds_draw_different_schedules(two):
    assert schedule(two[0]) != schedule(two[1])


@given(seeds, lengths_s)
def test_a_longer_run_begins_as_a_shorter_one(seed, total_s):
    shorter, longer = schedule(seed, total_s), schedule(seed, total_s + 60)
    assert longer.outages[: len(shorter.outages) - 1] == shorter.outages[:-1]


@given(seeds, lengths_s, some_kinds)
def test_of_one_store_no_two_faults_overlap(seed, total_s, kinds):
    drawn = schedule(seed, total_s, kinds)
    for store in {kind.store for kind in kinds}:
        faults = [fault for fault in drawn.faults if fault.kind.store == store]
        assert all(fault.ends_at_s < following.at_s for fault, following in pairwise(faults))


@given(seeds, lengths_s, some_kinds)
def test_a_quiet_period_in_which_a_recovery_can_be_judged_follows_every_outage(seed, total_s, kinds):
    drawn = schedule(seed, total_s, kinds)
    ends = [max(fault.ends_at_s for fault in outage) for outage in drawn.outages]
    begins = [outage[0].at_s for outage in drawn.outages]
    assert begins[0] == WARM_UP_S
    for end_s, next_s in zip(ends, [*begins[1:], total_s], strict=True):
        assert next_s - end_s >= QUIET_S - 0.05  # a tenth of a second is as fine as a schedule is


@given(seeds, lengths_s)
def test_the_time_is_filled_with_faults(seed, total_s):
    drawn = schedule(seed, total_s)
    last_s = max(fault.ends_at_s for fault in drawn.outages[-1])
    assert last_s <= drawn.total_s - QUIET_S + 0.05
    assert drawn.total_s - last_s < QUIET_S + 3 + LONG_S[0] + QUIET_S


@given(seeds, lengths_s, some_kinds)
def test_the_faults_of_an_outage_overlap_the_first_and_can_stand_beside_each_other(seed, total_s, kinds):
    for outage in schedule(seed, total_s, kinds).outages:
        first = outage[0]
        for fault in outage[1:]:
            assert first.at_s <= fault.at_s < first.ends_at_s
        assert all(
            one.kind.stands_beside(other.kind) for one in outage for other in outage if one is not other
        )


@given(seeds, lengths_s)
def test_every_fault_lasts_as_long_as_its_kind_needs(seed, total_s):
    for fault in schedule(seed, total_s).faults:
        shortest_s, longest_s = fault.kind.lasts_s
        assert shortest_s <= fault.lasts_s <= longest_s


def test_over_some_seeds_every_kind_has_its_turn():
    """Over the first twenty, always the same: over twenty others, now and then one kind is not drawn."""
    seen = {fault.kind.full_name for seed in range(20) for fault in schedule(seed).faults}
    assert seen == {kind.full_name for kind in CATALOG}


@given(seeds)
def test_of_each_store_every_kind_comes_before_one_comes_again(seed):
    """But for a kind whose turn waits while it cannot stand beside what was drawn before."""
    redis = [kind for kind in CATALOG if kind.store == "redis"]
    names = [fault.kind.name for fault in schedule(seed, 600.0, redis).faults]
    assert len(names) > len(redis)
    assert sorted(names[: len(redis)]) == sorted(kind.name for kind in redis)


@given(seeds)
def test_clocks_are_broken_only_where_the_server_has_two_that_can_be_set(seed):
    drawn = schedule(seed)
    assert drawn.with_clocks or not [fault for fault in drawn.faults if fault.kind.store == "clock"]


def test_of_many_seeds_about_half_have_clocks():
    assert 60 < sum(schedule(seed).with_clocks for seed in range(200)) < 140


def test_where_clocks_are_all_there_is_they_are_always_there():
    clocks = [kind for kind in CATALOG if kind.store == "clock"]
    assert all(schedule(seed, kinds=clocks).with_clocks for seed in range(20))


def test_a_time_too_short_for_any_fault_is_told():
    with pytest.raises(UsageError, match=r"Chaos needs at least 0\.23 minutes"):
        schedule(1, total_s=13.9)
