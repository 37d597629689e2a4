"""In which order tests begin that run rows side by side."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import pytest


def row_marks(item: pytest.Item, word: str) -> bool:
    """Return whether a test's marker says that it is `alone`, or `long`."""
    return any(mark.kwargs.get(word) for mark in item.iter_markers("plan"))


def side_by_side(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order in which several processes take them.

    Those that run alone come first, when no other row has begun that they would have to wait for. Long ones
    come next, so that in the end no process waits long for another. pytest-xdist gives each process the next
    two, so one that is not alone follows each that is.
    """
    known = list(items)
    alone = [item for item in known if row_marks(item, "alone")]
    others = sorted(
        (item for item in known if item not in alone), key=lambda item: not row_marks(item, "long")
    )
    paired = chain.from_iterable(zip(alone, others, strict=False))
    return [*paired, *alone[len(others) :], *others[len(alone) :]]
