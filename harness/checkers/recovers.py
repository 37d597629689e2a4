"""recovers: 2 s after a fault heals, deliveries are on time again, without a restart.

Faults that overlap, or follow each other before the server must have recovered, are one outage. Two things
are judged: the deliveries of the quiet period after each outage, up to the next one, by the arithmetic of
`on-time`; and the messages of the outage, which `on-time` does not judge, that had still not arrived after
the first poll of the quiet period that could have returned them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from harness.arithmetic import summary
from harness.checkers.consumers import Consumer
from harness.checkers.delays import Delay, seconds
from harness.checkers.fault_windows import recovered_ns
from harness.checkers.findings import at, conclude, finding
from harness.checkers.on_time import late_finding
from harness.checkers.suspected_causes import of_missing
from harness.checkers.timeliness import SortedDeliveries, Timed, deliveries
from harness.history import Effect, FaultWindow, History, Poll
from harness.verdict import Finding, Judgement

PROMISE = "recovers"
ENOUGH_DELIVERIES = 5
"""Fewer deliveries to polling readers after an outage are too few to judge it."""


def recovers(history: History) -> Judgement:
    """Judge the promise over one history."""
    outages = _outages(history)
    findings = [found for outage in outages if outage.is_proven for found in outage.findings()]
    evidence = {"outages": [outage.evidence() for outage in outages]}
    return conclude(history, PROMISE, findings, evidence, doubt=_doubt(outages))


def _outages(history: History) -> list[_Outage]:
    """Return the outages, each with the messages that had not arrived when its quiet period began.

    A message for which one quiet period was too short is judged in the next one.
    """
    outages = [_Outage(history, windows) for windows in _together(history)]
    for outage, following in pairwise(outages):
        outage.until_ns = following.begin_ns
    waiting: list[Delay] = []
    since_ns = -math.inf
    for outage in outages:
        outage.waiting = [*waiting, *outage.found.not_judged_by_begin.within(since_ns, outage.quiet_ns)]
        since_ns = outage.quiet_ns
        reported = {id(one.delay) for one in outage.overdue if not one.is_excused}
        waiting = [d for d in outage.waiting if id(d) not in reported and d.known_ns() > outage.until_ns]
    return outages


def _together(history: History) -> Iterator[list[FaultWindow]]:
    """Group the faults from which a server must recover into outages."""
    windows = [window for window in history.faults if Effect.NONE not in window.effects]
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


@dataclass(frozen=True)
class _Overdue:
    """A message that was still missing after the first poll of the quiet period that could return it."""

    delay: Delay
    chance: Poll
    is_excused: bool


@dataclass
class _Outage:
    history: History
    windows: list[FaultWindow]
    until_ns: float = math.inf
    """When the next outage began."""
    waiting: list[Delay] = field(default_factory=list)
    """Deliveries begun in a fault window before, and not decided by an earlier quiet period."""

    def __post_init__(self) -> None:
        self.begin_ns = self.windows[0].injected_ns
        self.recovered_ns = max(recovered_ns(window, self.history) for window in self.windows)
        self.quiet_ns = self.recovered_ns + 1
        self.names = " and ".join(dict.fromkeys(window.name for window in self.windows))
        self.is_proven = all(window.active_ns is not None for window in self.windows)
        self.found: SortedDeliveries = deliveries(self.history)

    @cached_property
    def timed(self) -> Timed:
        """The deliveries of the quiet period."""
        return self.found.timed(self.found.judged_by_begin.within(self.quiet_ns, self.until_ns))

    def findings(self) -> Iterator[Finding]:
        """Find deliveries of the quiet period that were late, and messages that were still missing in it."""
        for delay in self.timed.violations:
            yield late_finding(PROMISE, self.history, delay)
        for one in self.overdue:
            if not one.is_excused:
                yield self._still_missing(one.delay, one.chance)

    @cached_property
    def overdue(self) -> list[_Overdue]:
        """The messages that were still missing; none if a fault was never proven to take effect."""
        chances = [(delay, self._chance(delay)) for delay in self.waiting if self.is_proven]
        return [
            _Overdue(delay, chance, self._excuses(chance)) for delay, chance in chances if chance is not None
        ]

    @cached_property
    def excused(self) -> int:
        """How many late or missing deliveries resource pressure explains."""
        return self.timed.excused + sum(one.is_excused for one in self.overdue)

    def _excuses(self, chance: Poll) -> bool:
        within_ns = self.found.limits.due_ns
        due_ns = chance.start_ns + within_ns
        return self.timed.pressure.excuses_wait(self.recovered_ns, due_ns, within_ns)

    def _chance(self, delay: Delay) -> Poll | None:
        """Return the first poll of the quiet period that could have returned a late message."""
        missing_ns, within_ns = _missing_until_ns(delay), self.found.limits.due_ns
        hidden = delay.consumer.hidden
        visible_ns = hidden.quiet_end_ns(self.recovered_ns, 0)
        if missing_ns <= visible_ns + within_ns:
            return None
        chance = _first_poll(delay.consumer, visible_ns)
        if chance is None or hidden.touch(chance.start_ns, chance.start_ns):
            return None
        due_ns = chance.start_ns + within_ns
        return None if missing_ns <= due_ns or due_ns >= self.until_ns else chance

    def _still_missing(self, delay: Delay, chance: Poll) -> Finding:
        """Return a finding about a message that did not come with that poll, nor soon after."""
        message, consumer = delay.message, delay.consumer
        arrived = f"only at {at(self.history, delay.poll.end_ns)}" if delay.poll else "never"
        sentence = (
            f"{message.name} was acked at {at(self.history, message.ack_ns or 0)}; after {self.names} the "
            f"server had to have recovered by {at(self.history, self.recovered_ns)}, but {consumer.name}, "
            f"which polled at {at(self.history, chance.start_ns)}, received it {arrived}."
        )
        last = delay.poll or consumer.last
        events = (*message.events[-4:], chance.event, last.event)
        suspected_cause = of_missing(self.history, consumer, message)
        return finding(PROMISE, "still_missing", sentence, events, suspected_cause)

    def evidence(self) -> dict[str, Any]:
        timed = self.timed
        return {
            "faults": self.names,
            "bound": timed.word(self.excused) if self.is_proven else "undecidable",
            "floor_share": round(timed.floor, 6),
            "judged_live": timed.live,
            "misses": timed.misses,
            "allowed_misses": timed.allowed,
            "delay_s": summary(seconds(timed.to_live)),
        }

    def doubt(self) -> str:
        if not self.is_proven:
            return f"{self.names} was never proven to take effect"
        if self.recovered_ns == math.inf:
            return f"{self.names} was never seen healed"
        if self.timed.live < ENOUGH_DELIVERIES:
            what = f"deliveries to polling readers could be timed after {self.names}"
            return f"only {self.timed.live} {what}: fewer than {ENOUGH_DELIVERIES} are too few to judge"
        reason = self.timed.doubt(self.excused)
        return f"after {self.names}: {reason}" if reason else ""


def _doubt(outages: list[_Outage]) -> str:
    """A quiet period that the next outage cut short can be undecided, but the last one cannot."""
    if not outages:
        return "no fault was healed, so there was nothing to recover from"
    unproven = [outage for outage in outages if not outage.is_proven]
    return (unproven or outages[-1:])[0].doubt()


def _missing_until_ns(delay: Delay) -> float:
    """Return until when it had not been delivered, less the time by which the harness polled late."""
    if delay.poll is not None:
        return delay.poll.end_ns - delay.lag_ns
    return next((poll.start_ns for poll in reversed(delay.consumer.polls) if not poll.has_more), 0)


def _first_poll(consumer: Consumer, after_ns: float) -> Poll | None:
    """Return the first poll begun after that time that was not answered with a full page."""
    later = map(
        consumer.polls.__getitem__, range(bisect_left(consumer.starts, after_ns), len(consumer.polls))
    )
    return next((poll for poll in later if not poll.has_more), None)
