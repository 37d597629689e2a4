"""Which answers of a consumer admitted a gap (`gap: true`), and what each of them may speak of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from harness.history import Poll
from harness.history.instants import NEVER, Instant, instant


class Gaps:
    """Admitted gaps, each of which speaks of what is behind the cursor that its poll asked from.

    A cursor that is no time may have been anywhere, and so may a message whose time is not known.
    """

    def __init__(self, polls: Iterable[Poll]) -> None:
        told = sorted((instant(poll.since) or NEVER, poll.end_ns) for poll in polls)
        self._cursors = [cursor for cursor, _ in told]
        self._last_ends = list(accumulate((end_ns for _, end_ns in told), max))

    def __bool__(self) -> bool:
        return bool(self._cursors)

    def last_told_ns(self, timestamp: Instant | None) -> int | None:
        """When the last gap was told that may speak of a message of this time; None if none may."""
        place = len(self._cursors) if timestamp is None else bisect_left(self._cursors, timestamp)
        return self._last_ends[place - 1] if place else None
