"""How long a busy machine explains that a message is missing: not while its server goes on answering quickly.

A reader that polls on is answered, with what is there. Where the answers are quick, in ten different seconds,
the server had the processor as often: whatever it still had to do for an acked message, it could have done.
"""

from __future__ import annotations

from bisect import bisect_left

from harness.checkers.consumers import Consumer
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, Bounds, Outcome, Poll

SECONDS = 10
"""Different seconds after the ack in which a consumer got a quick answer: five times the promised bound."""
NEVER_NS = float("inf")


class Overdue:
    """The quick answers of one consumer outside all `fault_windows`, which are those of the faults alone."""

    def __init__(self, consumer: Consumer, fault_windows: Spans, bounds: Bounds) -> None:
        self._starts = [
            poll.start_ns
            for poll in consumer.polls
            if _is_quick(poll, bounds) and not fault_windows.touch(poll.start_ns, poll.end_ns)
        ]

    def from_ns(self, ack_ns: int) -> float:
        """From when on a message acked then is overdue, however busy the machine; infinity if never."""
        seconds: set[int] = set()
        for start_ns in self._starts[bisect_left(self._starts, ack_ns) :]:
            seconds.add((start_ns - ack_ns) // NS_PER_S)
            if len(seconds) == SECONDS:
                return start_ns
        return NEVER_NS


def _is_quick(poll: Poll, bounds: Bounds) -> bool:
    longest_ns = bounds.acceptable_round_trip_s * NS_PER_S
    return poll.outcome is Outcome.OK and poll.end_ns - poll.start_ns <= longest_ns
