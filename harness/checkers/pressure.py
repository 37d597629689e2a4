"""When the harness's own machine was too busy: what took too long then, may have on any server.

What such a time can explain (a late answer, a 503, no answer in time) decides nothing. What it cannot (a lost
message, a 500, a request that hung on when the machine was free again) still does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.checkers.spans import Span, Spans
from harness.history import NS_PER_S, Attempt, History, Poll, Send
from harness.verdict import Finding

TOO_BUSY = "this machine was too busy to measure the server"
AFTERMATH_NS = NS_PER_S
"""So much longer a server may need for what has piled up."""
QUIET_NS = 2 * NS_PER_S
"""A request that is not answered in so much time on end without pressure would never have been."""


def under_pressure(history: History) -> Iterator[Span]:
    """From when until when it was, in ns, with what followed from it; they may overlap."""
    for pressure in history.pressures:
        yield pressure.since_ns, pressure.until_ns + AFTERMATH_NS


@dataclass(frozen=True)
class Excused:
    """Something wrong that decides nothing, because pressure explains it."""


EXCUSED = Excused()
Found = Finding | Excused
"""What a checker came upon."""


def sort_out(found: Iterable[Found]) -> tuple[list[Finding], int]:
    """Return the findings, and how often pressure excused what would have been one."""
    all_found = list(found)
    findings = [one for one in all_found if isinstance(one, Finding)]
    return findings, len(all_found) - len(findings)


class Pressure:
    """The under_pressure times of a history, to ask what they explain."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._spans = Spans(under_pressure(history))

    def excuses(self, operation: Send | Poll | Attempt, end_ns: int) -> bool:
        """Whether the time explains this operation's 503, or that it timed out."""
        if operation.status == 503:
            return self.excuses_time(operation.start_ns, end_ns)
        timed_out = operation.status is None and operation.error == "timeout"
        held_s = operation.wait_s if isinstance(operation, Poll) else 0.0
        must_answer_ns = operation.start_ns + held_s * NS_PER_S
        had_time = self._left(QUIET_NS, must_answer_ns, end_ns)
        return timed_out and not had_time and self.excuses_time(operation.start_ns, end_ns)

    def excuses_wait(self, start_ns: float, end_ns: float, enough_ns: float) -> bool:
        """Whether a wait is excused which `enough_ns` on end without pressure would have ended."""
        return self.excuses_time(start_ns, end_ns) and not self._left(enough_ns, start_ns, end_ns)

    def _left(self, quiet_ns: float, start_ns: float, end_ns: float) -> bool:
        """Whether so much time on end was left without pressure."""
        return self._spans.quiet_end_ns(start_ns, quiet_ns) <= end_ns

    def excuses_time(self, start_ns: float, end_ns: float) -> bool:
        """Whether whatever took too long in this time is excused."""
        return self._spans.touch(start_ns, end_ns)

    def doubt(self, excused: int, what: str = "answers") -> str:
        """Why the promise is undecided, if so many had to be excused; '' if none had to."""
        return f"{excused} {what} decide nothing: {too_busy(self._history)}" if excused else ""


def too_busy(history: History) -> str:
    """A sentence on how long the machine was too busy; '' if it never was."""
    seconds = Spans(under_pressure(history)).total_ns() / NS_PER_S
    return f"for {seconds:.1f} s {TOO_BUSY}" if seconds else ""
