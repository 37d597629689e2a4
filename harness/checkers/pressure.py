"""Resource pressure: when the harness's own machine was too busy, any server may have been slow.

What pressure can explain (a late answer, a 503, no answer in time) is not a finding. What it cannot explain
(a lost message, a 500, a request that still hung when the machine was free again) is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.checkers.spans import Span, Spans
from harness.history import NS_PER_S, Attempt, History, Poll, Send
from harness.verdict import Finding

TOO_BUSY = "this machine was too busy to measure the server"
AFTERMATH_NS = NS_PER_S
"""How much longer a server may need to work off what has piled up."""
QUIET_NS = 2 * NS_PER_S
"""A request not answered in this long without pressure would not have been answered later."""


def under_pressure(history: History) -> Iterator[Span]:
    """Yield the periods of pressure with their aftermath; they may overlap."""
    for pressure in history.pressure_periods:
        yield pressure.since_ns, pressure.until_ns + AFTERMATH_NS


@dataclass(frozen=True)
class Excused:
    """Something wrong that is not a finding, because resource pressure explains it."""


EXCUSED = Excused()
Found = Finding | Excused
"""What a checker found wrong."""


def sort_out(found: Iterable[Found]) -> tuple[list[Finding], int]:
    """Return the findings, and how often pressure excused what would have been one."""
    all_found = list(found)
    findings = [one for one in all_found if isinstance(one, Finding)]
    return findings, len(all_found) - len(findings)


class Pressure:
    """The times of resource pressure in a history, and what they explain."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._spans = Spans(under_pressure(history))

    def excuses(self, operation: Send | Poll | Attempt, end_ns: int) -> bool:
        """Whether pressure explains this operation's 503, or that it timed out."""
        if operation.status == 503:
            return self.excuses_time(operation.start_ns, end_ns)
        timed_out = operation.status is None and operation.error == "timeout"
        held_s = operation.wait_s if isinstance(operation, Poll) else 0.0
        must_answer_ns = operation.start_ns + held_s * NS_PER_S
        had_time = self._was_free(QUIET_NS, must_answer_ns, end_ns)
        return timed_out and not had_time and self.excuses_time(operation.start_ns, end_ns)

    def excuses_wait(self, start_ns: float, end_ns: float, enough_ns: float) -> bool:
        """Whether pressure explains a wait that `enough_ns` in a row without it would have ended."""
        return self.excuses_time(start_ns, end_ns) and not self._was_free(enough_ns, start_ns, end_ns)

    def excuses_work(self, start_ns: float, end_ns: float, enough_ns: float) -> bool:
        """Whether pressure explains how long something took that goes on whenever the machine is free."""
        free_ns = end_ns - start_ns - self._spans.inside_ns(start_ns, end_ns)
        return self.excuses_time(start_ns, end_ns) and free_ns < enough_ns

    def excuses_most_of(self, start_ns: float, end_ns: float) -> bool:
        """Whether the machine was too busy in more than half of this time, all of it added up."""
        return self._spans.inside_ns(start_ns, end_ns) > (end_ns - start_ns) / 2

    def _was_free(self, quiet_ns: float, start_ns: float, end_ns: float) -> bool:
        """Whether there was no pressure for `quiet_ns` in a row."""
        return self._spans.quiet_end_ns(start_ns, quiet_ns) <= end_ns

    def excuses_time(self, start_ns: float, end_ns: float) -> bool:
        """Whether pressure explains that something took too long in this time."""
        return self._spans.touch(start_ns, end_ns)

    def doubt(self, excused: int, what: str = "answers") -> str:
        """Return why the promise is undecided if any had to be excused; '' if none had to."""
        return f"{excused} of the {what} cannot be judged: {too_busy(self._history)}" if excused else ""


def too_busy(history: History) -> str:
    """Return a sentence on how long the machine was too busy; '' if it never was."""
    seconds = Spans(under_pressure(history)).total_ns() / NS_PER_S
    return f"for {seconds:.1f} s {TOO_BUSY}" if seconds else ""
