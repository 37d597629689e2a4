"""In which order tests begin that run rows side by side."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def row_marks(item: pytest.Item, word: str) -> bool:
    """Return whether a test's marker says that it is `alone`, `long` or `light`."""
    return any(mark.kwargs.get(word) for mark in item.iter_markers("plan"))


def side_by_side(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order in which several processes take them.

    Those that run alone come first, one after the other: each that comes later has to wait for the end of the
    rows that have begun, while no other may begin. Long ones come next, so that in the end no process waits
    long for another.
    """
    return sorted(items, key=lambda item: (not row_marks(item, "alone"), not row_marks(item, "long")))
