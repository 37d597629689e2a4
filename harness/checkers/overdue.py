"""When a busy machine no longer explains that a message is missing: once the server has answered quickly.

If a server gives quick answers in ten different seconds after an ack, it had the processor at least ten
times, so it could have done whatever was still to be done for that message.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from harness.checkers.consumers import Consumer
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, Bounds, Outcome, Poll

SECONDS = 10
"""In this many different seconds after the ack a consumer must have got a quick answer: 5 times the bound."""
NEVER_NS = float("inf")


class Overdue:
    """The quick answers of one consumer outside the `fault_windows` (without times of resource pressure)."""

    def __init__(self, consumer: Consumer, fault_windows: Spans, bounds: Bounds) -> None:
        self._consumer, self._fault_windows, self._bounds = consumer, fault_windows, bounds

    @cached_property
    def _starts(self) -> list[int]:
        """When their polls began; only worked out if something is missing."""
        return [
            poll.start_ns
            for poll in self._consumer.polls
            if _is_quick(poll, self._bounds) and not self._fault_windows.touch(poll.start_ns, poll.end_ns)
        ]

    def from_ns(self, ack_ns: int) -> float:
        """Return when a message acked then is overdue, however busy the machine was; infinity if never."""
        seconds: set[int] = set()
        for start_ns in self._starts[bisect_left(self._starts, ack_ns) :]:
            seconds.add((start_ns - ack_ns) // NS_PER_S)
            if len(seconds) == SECONDS:
                return start_ns
        return NEVER_NS


def _is_quick(poll: Poll, bounds: Bounds) -> bool:
    longest_ns = bounds.acceptable_round_trip_s * NS_PER_S
    return poll.outcome is Outcome.OK and poll.end_ns - poll.start_ns <= longest_ns
