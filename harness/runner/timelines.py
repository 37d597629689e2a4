"""The timelines of a row, worked out from its judged scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

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


J = TypeVar("J", bound=Judged)


def drawn(scenarios: Iterable[J]) -> list[J]:
    """Return the scenarios that have a timeline: the harness read their messages; a client reads its own."""
    return [one for one in scenarios if one.history.sends and not one.history.client]


def timelines(run_begin_ns: int, scenarios: Iterable[Judged]) -> Iterator[Timeline]:
    """Yield the timeline of each of these scenarios."""
    for scenario in scenarios:
        judgements = [one for some in scenario.judged for one in some]
        yield _timeline(run_begin_ns, scenario.history, judgements)


def _timeline(run_begin_ns: int, history: History, judgements: Sequence[Judgement]) -> Timeline:
    begin_ns = history.begin_ns
    all_ = sorted(fates(history, judgements), key=lambda one: one.sent_ns)
    return Timeline(
        begin_s=_s(begin_ns - run_begin_ns),
        seconds=_s(history.end_ns - begin_ns),
        sent_at_s=[_s(one.sent_ns - begin_ns) for one in all_],
        delays_s=[None if one.arrived_ns is None else _s(one.arrived_ns - one.sent_ns) for one in all_],
        fates="".join(one.fate for one in all_),
        ops=[one.op for one in all_],
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
