"""The timelines of a row, worked out from its judged scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.checkers.fates import fates
from harness.history import NS_PER_S, History
from harness.reports.record import FaultBand, Timeline
from harness.verdict import Judgement

Judged = tuple[History, Sequence[Judgement]]
"""All that a scenario recorded, and every judgement on it."""


def drawn(scenarios: Iterable[Judged]) -> list[Judged]:
    """Return the scenarios that have a timeline: the harness read their messages; a client reads its own."""
    return [(history, judged) for history, judged in scenarios if history.sends and not history.client]


def timelines(run_begin_ns: int, scenarios: Iterable[Judged]) -> Iterator[Timeline]:
    """Yield the timeline of each of these scenarios."""
    for history, judged in scenarios:
        yield _timeline(run_begin_ns, history, judged)


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
