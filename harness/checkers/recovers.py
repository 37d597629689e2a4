"""recovers: 2 s after a fault heals, deliveries are on time again, without a restart.

Faults that overlap, or follow each other before the recovery was due, are one outage. Judged is the calm
after each outage, up to the next one, by the arithmetic of `on-time`; and what was acked before the calm and
had not arrived by then: the first poll of the calm could have returned it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from harness.arithmetic import summary
from harness.checkers.chains import Chain
from harness.checkers.delays import Delay, seconds
from harness.checkers.disturbances import HARMLESS_STORES, disturbances, recovered_ns
from harness.checkers.mechanisms import of_missing
from harness.checkers.on_time import late_finding
from harness.checkers.telling import at, conclude, finding
from harness.checkers.timeliness import Sorted, Timed, deliveries
from harness.history import FaultWindow, History, Poll
from harness.verdict import Finding, Judgement

PROMISE = "recovers"
ENOUGH_DELIVERIES = 5
"""Fewer deliveries to polling readers after an outage say nothing about it."""


def recovers(history: History) -> Judgement:
    """Judge the promise over one history."""
    outages = [_Outage(history, windows) for windows in _together(history)]
    for outage, following in pairwise(outages):
        outage.until_ns, following.after_ns = following.begin_ns, outage.recovered_ns
    proven = [outage for outage in outages if outage.is_proven]
    findings = [found for outage in proven for found in outage.findings()]
    evidence = {"outages": [outage.evidence() for outage in outages]}
    return conclude(PROMISE, findings, evidence, doubt=_doubt(outages))


def _together(history: History) -> Iterator[list[FaultWindow]]:
    """The faults that ask anything of a server, grouped into outages."""
    windows = [window for window in history.faults if window.store not in HARMLESS_STORES]
    group: list[FaultWindow] = []
    end_ns = -math.inf
    for window in sorted(windows, key=lambda window: window.injected_ns):
        if group and window.injected_ns > end_ns:
            yield group
            group = []
        group.append(window)
        end_ns = max(end_ns, recovered_ns(window, history))
    if group:
        yield group


@dataclass
class _Outage:
    history: History
    windows: list[FaultWindow]
    after_ns: float = -math.inf
    """When the server had to have recovered from the one before."""
    until_ns: float = math.inf
    """When the next outage began."""

    def __post_init__(self) -> None:
        self.begin_ns = self.windows[0].injected_ns
        self.recovered_ns = max(recovered_ns(window, self.history) for window in self.windows)
        self.names = " and ".join(dict.fromkeys(window.name for window in self.windows))
        self.is_proven = all(window.bites_ns is not None for window in self.windows)
        self.found: Sorted = deliveries(self.history)

    @cached_property
    def timed(self) -> Timed:
        """The deliveries of the calm."""
        after_ns = self.recovered_ns + 1  # ns
        return self.found.timed(self.found.judged_by_begin.within(after_ns, self.until_ns))

    def findings(self) -> Iterator[Finding]:
        for delay in self.timed.guilty:
            yield late_finding(PROMISE, self.history, delay)
        for delay in self.found.disturbed_by_begin.within(self.after_ns, self.recovered_ns):
            if chance := self._overdue(delay):
                yield self._still_missing(delay, chance)

    def _overdue(self, delay: Delay) -> Poll | None:
        """The first poll of the calm that could have returned a message of before it, if none did in time."""
        chance = _first_poll(delay.chain, self.recovered_ns)
        if chance is None or (delay.poll is not None and delay.poll.start_ns <= chance.start_ns):
            return None
        due_ns = chance.start_ns + self.found.limits.due_ns
        if due_ns >= self._known_until_ns(delay) or disturbances(self.history).touch(
            self.recovered_ns + 1, due_ns
        ):
            return None
        return None if self.timed.strain.excuses_time(self.recovered_ns, delay.known_ns()) else chance

    def _known_until_ns(self, delay: Delay) -> float:
        """Until when the message surely had not arrived."""
        if delay.poll is not None:
            return delay.poll.end_ns
        last = delay.chain.last_answered
        return last.start_ns if last is not None and not last.has_more else 0

    def _still_missing(self, delay: Delay, chance: Poll) -> Finding:
        message, chain = delay.message, delay.chain
        arrived = f"only at {at(self.history, delay.poll.end_ns)}" if delay.poll else "never"
        sentence = (
            f"{message.name} was acked at {at(self.history, message.ack_ns or 0)}; after {self.names} the "
            f"server had to have recovered by {at(self.history, self.recovered_ns)}, but {chain.name}, which "
            f"polled at {at(self.history, chance.start_ns)}, received it {arrived}."
        )
        last = delay.poll or chain.last
        events = (*message.events[-4:], chance.event, last.event)
        mechanism = of_missing(self.history, chain, message)
        return finding(PROMISE, "still_missing", sentence, events, mechanism)

    def evidence(self) -> dict[str, Any]:
        timed = self.timed
        return {
            "faults": self.names,
            "bound": timed.word if self.is_proven else "undecidable",
            "floor_share": round(timed.floor, 6),
            "judged_live": timed.live,
            "misses": timed.misses,
            "allowed_misses": timed.allowed,
            "delay_s": summary(seconds(timed.to_live)),
        }

    def doubt(self) -> str:
        if not self.is_proven:
            return f"{self.names} was never proven to bite"
        if self.recovered_ns == math.inf:
            return f"{self.names} was never seen healed"
        if self.timed.live < ENOUGH_DELIVERIES:
            what = "deliveries to readers who were polling could be timed"
            return f"only {self.timed.live} {what} after {self.names}: fewer than {ENOUGH_DELIVERIES}"
        told = self.timed.doubt()
        return f"after {self.names}: {told}" if told else ""


def _doubt(outages: list[_Outage]) -> str:
    """A calm that the next outage cut short need not be judged, but the last one must be."""
    if not outages:
        return "no fault was healed, so there was nothing to recover from"
    unproven = [outage for outage in outages if not outage.is_proven]
    return (unproven or outages[-1:])[0].doubt()


def _first_poll(chain: Chain, after_ns: float) -> Poll | None:
    """The first poll begun after that point which did not stop at a page's end."""
    later = map(chain.polls.__getitem__, range(bisect_left(chain.starts, after_ns), len(chain.polls)))
    return next((poll for poll in later if not poll.has_more), None)
