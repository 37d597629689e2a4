"""The timelines of a row, worked out from its judged scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from harness.checkers.fates import fates
from harness.history import NS_PER_S, History
from harness.reports.record import FaultBand, Timeline
from harness.verdict import Judgement


class Judged(Protocol):
    """A scenario with its judgements."""

    @property
    def history(self) -> History:
        """All that was recorded."""

    @property
    def judged(self) -> Sequence[Sequence[Judgement]]:
        """The judgements of each time that it was judged."""


def timelines(run_begin_ns: int, scenarios: Iterable[Judged]) -> Iterator[Timeline]:
    """Yield the timeline of each scenario whose messages the harness read itself; a client reads its own."""
    for scenario in scenarios:
        history = scenario.history
        if history.sends and not history.client:
            yield _timeline(run_begin_ns, history, [one for some in scenario.judged for one in some])


def _timeline(run_begin_ns: int, history: History, judgements: Sequence[Judgement]) -> Timeline:
    begin_ns = history.begin_ns
    all_ = sorted(fates(history, judgements), key=lambda one: one.sent_ns)
    return Timeline(
        begin_s=_s(begin_ns - run_begin_ns),
        seconds=_s(history.end_ns - begin_ns),
        sent_at_s=[_s(one.sent_ns - begin_ns) for one in all_],
        delays_s=[None if one.arrived_ns is None else _s(one.arrived_ns - one.sent_ns) for one in all_],
        fates="".join(one.fate for one in all_),
        faults=tuple(
            FaultBand(
                fault.name,
                _s(fault.injected_ns - begin_ns),
                None if fault.healed_ns is None else _s(fault.healed_ns - begin_ns),
            )
            for fault in history.faults
        ),
    )


def _s(ns: int) -> float:
    return round(ns / NS_PER_S, 3)
