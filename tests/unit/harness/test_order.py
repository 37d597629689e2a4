"""In which order several processes take the tests that run rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.runner.order import row_marks, side_by_side


def item(name: str, **words: bool) -> pytest.Item:
    """A test, as far as the order needs one."""
    marks = [SimpleNamespace(kwargs=words)]
    return cast("Any", SimpleNamespace(name=name, iter_markers=lambda marker: marks))


def order(*items: pytest.Item) -> str:
    return " ".join(one.name for one in side_by_side(items))


def test_without_marks_the_order_is_the_plans() -> None:
    assert order(item("a"), item("b"), item("c")) == "a b c"


def test_long_ones_come_first() -> None:
    assert order(item("a"), item("b", long=True), item("c"), item("d", long=True)) == "b d a c"


def test_each_process_first_takes_one_that_runs_alone() -> None:
    items = [
        item("a"),
        item("b"),
        item("X", alone=True),
        item("c", long=True),
        item("Y", alone=True),
        item("d"),
    ]
    assert order(*items) == "X c Y a b d"


def test_there_may_be_more_that_run_alone_than_others() -> None:
    assert order(item("X", alone=True), item("Y", alone=True), item("a"), item("Z", alone=True)) == "X a Y Z"
    assert order(item("X", alone=True)) == "X"


def test_a_word_counts_on_any_of_a_tests_markers() -> None:
    assert row_marks(item("a", alone=True), "alone")
    assert not row_marks(item("a", alone=True), "long")
    assert not row_marks(item("a", alone=False), "alone")
