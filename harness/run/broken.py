"""How a scenario says that it saw a promise broken, where no checker does.

Most of what a scenario expects, a starved machine can spoil: a request runs into its time-out, a server
answers 503. Then the row is undecided. Some of it no machine can spoil, however busy: that is said by
`certain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.checkers.pressure import too_busy, under_pressure
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, WATCH_PERIOD_S, Recorder

KNOWN_AFTER_S = 2 * WATCH_PERIOD_S
"""Pressure is recorded when a period of it is over."""
LONGEST_WAIT_S = 30.0
LOOK_AGAIN_S = 0.05
"""The pause between two looks at what is waited for."""


class PromiseBroken(AssertionError):
    """A promise was seen broken: the row fails."""


class CertainlyBroken(PromiseBroken):
    """The same, and it cannot be that the machine was too busy."""


class NotAcked(PromiseBroken):
    """A send was not accepted that had to be: the scenario ends, and what it has recorded may tell more."""


class Inconclusive(Exception):
    """The row proved nothing, in either direction."""


def certain(holds: object, otherwise: str) -> None:
    """Raise CertainlyBroken with the sentence `otherwise` unless it holds, as it must however busy all is."""
    if not holds:
        raise CertainlyBroken(otherwise)


@dataclass(frozen=True)
class Deadline:
    """By when a server must have done something by itself: after `within_s` on end without pressure."""

    recorder: Recorder
    since_ns: int
    within_s: float

    def has_passed(self, looked_at_ns: int) -> bool:
        """Whether what was still wrong at this time (monotonic ns) is broken, whatever the machine did.

        Raises Inconclusive when the machine has left the server no such time for very long.
        """
        if self._is_over(looked_at_ns):
            return True
        if self._is_long_ago(looked_at_ns):
            busy = too_busy(self.recorder.history())
            raise Inconclusive(f"{busy}: it had no {self.within_s:g} s on end to recover in")
        return False

    def is_worth_waiting_for(self, now_ns: int) -> bool:
        """Whether `has_passed` may still tell more, later."""
        return not self._is_long_ago(now_ns) and not self._is_over(now_ns)

    def _is_over(self, at_ns: int) -> bool:
        spans = Spans(under_pressure(self.recorder.history()))
        due_ns = spans.quiet_end_ns(self.since_ns, self.within_s * NS_PER_S)
        return at_ns >= due_ns + KNOWN_AFTER_S * NS_PER_S

    def _is_long_ago(self, at_ns: int) -> bool:
        return at_ns >= self.since_ns + LONGEST_WAIT_S * NS_PER_S
