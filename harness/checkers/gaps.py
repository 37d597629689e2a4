"""Which answers of a consumer admitted a gap (`gap: true`), and which messages each of them can cover."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from harness.history import Poll
from harness.history.positions import BEGINNING, Position, Scale


class Gaps:
    """Admitted gaps; each covers what comes after the cursor of its poll.

    A cursor that cannot be compared can be anywhere, and so can a message without a known position.
    """

    def __init__(self, polls: Iterable[Poll], scale: Scale) -> None:
        gaps = sorted((scale.of_cursor(poll.since) or BEGINNING, poll.end_ns) for poll in polls)
        self._cursors = [cursor for cursor, _ in gaps]
        self._last_ends = list(accumulate((end_ns for _, end_ns in gaps), max))

    def __bool__(self) -> bool:
        return bool(self._cursors)

    def last_admitted_ns(self, position: Position | None) -> int | None:
        """Return when the last gap was admitted that can cover a message there; None if none can."""
        place = len(self._cursors) if position is None else bisect_left(self._cursors, position)
        return self._last_ends[place - 1] if place else None
