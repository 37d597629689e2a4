"""How a scenario reports a broken promise that no checker judges.

A busy machine can spoil most of what a scenario expects: a request times out, a server answers 503. Then the
row is inconclusive. What no machine can spoil, however busy it is, is reported by `certain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.checkers.pressure import too_busy, under_pressure
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, WATCH_PERIOD_S, Recorder

KNOWN_AFTER_S = 2 * WATCH_PERIOD_S
"""A period of resource pressure is recorded when it is over."""
LONGEST_WAIT_S = 30.0
LOOK_AGAIN_S = 0.05
"""The pause between two looks at what is waited for."""


class PromiseBroken(AssertionError):
    """A promise is broken: the row fails, unless the machine was too busy."""


class CertainlyBroken(PromiseBroken):
    """A promise is broken, and a busy machine cannot be the reason."""


class NotAcked(PromiseBroken):
    """A send that had to be accepted was not: the scenario ends, and what it has recorded is judged."""


class Inconclusive(Exception):
    """The row proved nothing, in either direction."""


class NotPromised(Exception):
    """The target promises nothing of what the row judges."""


def certain(holds: object, otherwise: str) -> None:
    """Raise CertainlyBroken with the sentence `otherwise`, unless `holds`."""
    if not holds:
        raise CertainlyBroken(otherwise)


@dataclass(frozen=True)
class Deadline:
    """When a server must have done something by itself: `within_s` seconds without a break for pressure."""

    recorder: Recorder
    since_ns: int
    within_s: float

    def has_passed(self, looked_at_ns: int) -> bool:
        """Return whether what was still wrong at this time (monotonic ns) breaks the promise.

        Raise Inconclusive when the machine has been too busy for too long.
        """
        if self._is_over(looked_at_ns):
            return True
        if self._is_long_ago(looked_at_ns):
            busy = too_busy(self.recorder.history())
            raise Inconclusive(f"{busy}: the server never had {self.within_s:g} s without a break to recover")
        return False

    def is_worth_waiting_for(self, now_ns: int) -> bool:
        """Return whether `has_passed` can still have another answer later."""
        return not self._is_long_ago(now_ns) and not self._is_over(now_ns)

    def _is_over(self, at_ns: int) -> bool:
        spans = Spans(under_pressure(self.recorder.history()))
        due_ns = spans.quiet_end_ns(self.since_ns, self.within_s * NS_PER_S)
        return at_ns >= due_ns + KNOWN_AFTER_S * NS_PER_S

    def _is_long_ago(self, at_ns: int) -> bool:
        return at_ns >= self.since_ns + LONGEST_WAIT_S * NS_PER_S
