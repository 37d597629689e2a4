"""States that are merged go on in the same way: with and without merging, executions end in the same ways.

Without it two states are the same only if everything was learnt in the same order.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable
from typing import Any

import greenlet
import pytest

from tests.simulation.breaking import broken_by
from tests.simulation.canonical import Walk
from tests.simulation.clients import sender
from tests.simulation.hub import Hub
from tests.simulation.scenarios import SCENARIOS, happening
from tests.simulation.searching import Bounds, Scenario, Search
from tests.simulation.world import Setting, World

pytestmark = [pytest.mark.usefixtures("simulation"), pytest.mark.timeout(600)]

WITHOUT_A_MUTANT = (
    ("one-worker", Bounds(0, 0)),
    ("two-workers", Bounds(0, 0)),
    ("redis-is-away", Bounds(0, 0)),
    ("mongodb-fails", Bounds(0, 1)),
    ("redis-fails", Bounds(0, 1)),
    ("notices-get-lost", Bounds(0, 1)),
    pytest.param("redis-is-flushed", Bounds(1, 0), marks=pytest.mark.e2e),
    pytest.param("one-worker-gets-a-retry", Bounds(1, 0), marks=pytest.mark.e2e),
)
# Not of mutants that keep something in variables of their own: that is no worker's memory.
OF_MUTANTS = (
    ("equal-timestamps", "two-workers", Bounds(0, 0)),
    ("write-concern-0", "two-workers", Bounds(0, 0)),
    ("push-failure-swallowed", "redis-fails", Bounds(0, 1)),
    ("unknown-told-as-not-stored", "an-unknown-send-is-given-up", Bounds(0, 1)),
    ("acked-by-the-primary-alone", "mongodb-rolls-back", Bounds(0, 0)),
)


@pytest.mark.parametrize(("scenario", "bounds"), WITHOUT_A_MUTANT)
def test_executions_end_in_the_same_ways_if_states_are_merged(scenario: str, bounds: Bounds) -> None:
    merged, apart = _searches(scenario, bounds)
    assert merged.ends == apart.ends
    assert len(merged.ends) >= 8
    assert len(merged.states) < len(apart.states)


@pytest.mark.parametrize(("mutant", "scenario", "bounds"), OF_MUTANTS)
def test_the_same_promises_are_broken_if_states_are_merged(
    mutant: str, scenario: str, bounds: Bounds
) -> None:
    with broken_by(mutant):
        merged, apart = _searches(scenario, bounds)
    assert merged.reasons == apart.reasons
    assert merged.reasons
    assert merged.ends == apart.ends


def _searches(scenario: str, bounds: Bounds) -> tuple[Search, Search]:
    merged = Search(SCENARIOS[scenario], bounds)
    apart = Search(SCENARIOS[scenario], bounds, by_history=True)
    for search in (merged, apart):
        search.run(goes_on=True)
        assert search.is_complete
    return merged, apart


def test_threads_of_a_killed_worker_change_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this reduction each of them has a step, at any moment, in which it ends."""

    def begin(world: World) -> None:
        sender(world, "alice", "a1", at=0)
        happening(world, "a worker is killed", lambda: world.crash(0))

    def search() -> Search:
        search = Search(
            Scenario("kill", "The only worker is killed.", Setting(workers=1), begin), Bounds(0, 0)
        )
        assert search.run() is None
        assert search.is_complete
        return search

    at_once = search()
    monkeypatch.setattr(Hub, "_end_the_killed", lambda hub: None)
    one_by_one = search()
    assert _data(at_once) == _data(one_by_one)
    assert len(one_by_one.states) > len(at_once.states)


def _data(search: Search) -> set[tuple[object, ...]]:
    """Return how executions have ended, without the states of threads."""
    return {end[1:] for end in search.ends}


# -- what a state is


class Holder:
    """Something with attributes, of which one has a slot."""

    __slots__ = ("__dict__", "first")

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second = first, second


def _walk(value: Any) -> int:
    return Walk(lambda one: "a logger" if isinstance(one, logging.Logger) else None)(value)


def _counter(begin: int) -> Callable[[], int]:
    return lambda: begin


SAME = [
    ([1, {"a": b"x"}], [1, {"a": b"x"}]),
    ({3, 1, 2}, {1, 2, 3}),
    (Holder([1], None), Holder([1], None)),
    (_counter(1), _counter(1)),
    (logging.getLogger("one"), logging.getLogger("another")),
    (ValueError("x"), ValueError("x")),
]
DIFFERENT = [
    ([1, 2], [2, 1]),
    ([1], (1,)),
    (1, True),
    (Holder(1, 2), Holder(2, 1)),
    (Holder(1, 2), Holder(1, 3)),
    (_counter(1), _counter(2)),
    ([].append, [1].append),
    (ValueError("x"), ValueError("y")),
    (ValueError("x"), KeyError("x")),
    ({"a": 1}, {"a": 2}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_objects_that_hold_the_same_are_the_same(one: Any, other: Any) -> None:
    assert _walk(one) == _walk(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_objects_that_hold_something_else_are_not(one: Any, other: Any) -> None:
    assert _walk(one) != _walk(other)


def test_it_matters_which_objects_are_one_and_the_same() -> None:
    shared: list[int] = []
    assert _walk([shared, shared]) != _walk([[], []])


def test_a_thread_is_where_it_is_and_what_its_variables_hold() -> None:
    def waiting(value: object, times: int) -> None:
        for _ in range(times):
            parent.switch()
        parent.switch()
        operator.not_(value)

    def at(value: object, times: int, switches: int) -> int:
        thread = greenlet.greenlet(waiting)
        thread.switch(value, times)
        for _ in range(switches):
            thread.switch()
        return Walk(lambda one: "a thread" if isinstance(one, greenlet.greenlet) else None).frames(
            thread.gr_frame
        )

    parent = greenlet.getcurrent()
    assert at("x", 1, 0) == at("x", 1, 0)
    assert at("x", 1, 0) != at("y", 1, 0)
    assert at("x", 1, 0) != at("x", 1, 1)
