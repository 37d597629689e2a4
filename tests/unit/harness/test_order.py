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


def test_those_that_run_alone_come_before_all_others() -> None:
    items = [
        item("a"),
        item("b", long=True),
        item("X", alone=True),
        item("c"),
        item("Y", alone=True),
    ]
    assert order(*items) == "X Y b a c"


def test_a_word_counts_on_any_of_a_tests_markers() -> None:
    assert row_marks(item("a", alone=True), "alone")
    assert not row_marks(item("a", alone=True), "long")
    assert not row_marks(item("a", alone=False), "alone")
