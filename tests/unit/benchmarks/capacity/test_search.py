"""The search: what it finds, and that it never reports a size that was not carried."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity.search import SMALLEST, Answer, Found, search


def server_of(limit: int, *, beyond: Answer = Answer.BROKEN) -> tuple[list[int], Callable[[int], Answer]]:
    """A server that carries up to `limit`, and the sizes that were tried."""
    tried: list[int] = []

    def carries(size: int) -> Answer:
        tried.append(size)
        return Answer.CARRIED if size <= limit else beyond

    return tried, carries


def test_it_doubles_and_then_bisects() -> None:
    tried, carries = server_of(1300)
    found = search(carries, first=250, ceiling=16_000, precision=0.1)
    assert tried == [250, 500, 1000, 2000, 2000, 1500, 1500, 1250, 1375, 1375]
    assert found == Found(1250, 1375, Answer.BROKEN)


def test_it_halves_where_the_first_size_is_too_large() -> None:
    _, carries = server_of(60)
    assert search(carries, first=250, ceiling=16_000, precision=0.1) == Found(58, 62, Answer.BROKEN)


def test_where_nothing_is_carried_it_finds_nothing() -> None:
    tried, carries = server_of(0)
    found = search(carries, first=250, ceiling=16_000, precision=0.1)
    assert found.carried == 0
    assert min(tried) >= SMALLEST


def test_it_ends_at_the_ceiling() -> None:
    tried, carries = server_of(10**9)
    assert search(carries, first=250, ceiling=900, precision=0.1) == Found(900, None, Answer.CARRIED)
    assert tried == [250, 500, 900]


def test_a_size_that_breaks_once_by_chance_is_tried_again() -> None:
    answers = iter([Answer.CARRIED, Answer.BROKEN, Answer.CARRIED, Answer.BROKEN, Answer.BROKEN])
    found = search(lambda size: next(answers), first=10, ceiling=100, precision=1.0)
    assert found == Found(20, 40, Answer.BROKEN)


def test_what_the_generator_could_not_load_is_unknown_not_broken() -> None:
    _, carries = server_of(400, beyond=Answer.UNKNOWN)
    found = search(carries, first=250, ceiling=16_000, precision=0.1)
    assert (found.carried, found.why) == (375, Answer.UNKNOWN)


def test_it_stops_when_the_time_is_over() -> None:
    tried, carries = server_of(10**9)
    found = search(carries, first=10, ceiling=10**6, precision=0.1, may_go_on=lambda: len(tried) < 3)
    assert (tried, found) == ([10, 20, 40], Found(40, None, Answer.CARRIED))


@given(st.integers(0, 5000), st.integers(1, 3000), st.integers(1, 6000))
def test_of_a_server_with_a_limit_it_finds_that_limit(limit: int, first: int, ceiling: int) -> None:
    _, carries = server_of(limit)
    found = search(carries, first=first, ceiling=ceiling, precision=0.1)
    assert found.carried <= min(limit, ceiling)
    if found.not_carried is None:
        assert found.carried == ceiling <= limit
    elif found.carried:
        assert limit < found.not_carried <= found.carried + max(1, 0.1 * found.carried)
    else:
        assert limit < found.not_carried < 2 * SMALLEST


@given(st.data())
def test_whatever_is_answered_only_a_size_that_was_carried_is_reported(data: st.DataObject) -> None:
    carried, count = {0}, 0

    def carries(size: int) -> Answer:
        nonlocal count
        count += 1
        answer = data.draw(st.sampled_from(list(Answer)))
        if answer is Answer.CARRIED:
            carried.add(size)
        return answer

    found = search(carries, first=100, ceiling=10_000, precision=0.05)
    assert found.carried in carried
    assert found.not_carried is None or found.carried < found.not_carried
    assert count < 100


@pytest.mark.parametrize("answer", [Answer.BROKEN, Answer.UNKNOWN])
def test_it_never_tries_above_a_size_that_was_not_carried(answer: Answer) -> None:
    tried, carries = server_of(700, beyond=answer)
    search(carries, first=250, ceiling=16_000, precision=0.05)
    first_broken = next(place for place, size in enumerate(tried) if size > 700)
    assert max(tried[first_broken:]) == tried[first_broken]
