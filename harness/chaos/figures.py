"""The figures of one run of chaos: what went wrong, how slow it was, and what the faults struck."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise

from harness.chaos.phases import phases
from harness.checkers.fault_windows import unquiet_times
from harness.checkers.pressure import under_pressure
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, FaultWindow, History, Outcome, Poll, Send
from harness.reports.record import RowResult, findings_of
from harness.typed import Record

Pair = tuple[str, str]
"""The names of two faults, in the order of the alphabet."""


class Figures(Record, frozen=True):
    """What one run of chaos was like. Times in seconds."""

    faults: Mapping[str, int]
    """How often each fault was injected."""
    sends: int
    polls: int
    lost: int
    doubled: int
    reordered: int
    refused: int
    unknown: int
    """Sends without a definite answer: timed out, cut off, or answered that the outcome is unknown."""
    slowest_s: float
    slowest_quiet_s: float
    """The slowest answer to a request outside of faults, recoveries and resource pressure."""
    outages: int
    recovered_in_s: tuple[float, ...]
    """For each outage that was timed: from the heal until the last unusual answer; 0 without any.

    One is not timed if it was never seen healed, or if the machine was too busy during its recovery.
    """
    pairs: tuple[Pair, ...]
    """Which faults met: both lasted at one time."""
    phases: Mapping[str, Mapping[str, int]]
    """How many sends each fault struck, and in which phase."""


def figures_of(history: History, row: RowResult) -> Figures:
    """Return the figures of a run."""
    found = Counter[str]()
    for judgement in row.judgements:
        found[judgement.promise] += findings_of(judgement)
    outcomes = Counter(send.outcome for send in history.sends)
    quiet = list(_seconds(history, is_quiet=True))
    struck: dict[str, dict[str, int]] = {}
    for (fault, phase), count in sorted(phases(history).items()):
        struck.setdefault(fault, {})[phase] = count
    return Figures(
        faults=dict(sorted(Counter(fault.name for fault in history.faults).items())),
        sends=len(history.sends),
        polls=len(history.polls),
        lost=found["no-loss"],
        doubled=found["no-duplicate"],
        reordered=found["order"],
        refused=outcomes[Outcome.REFUSED],
        unknown=outcomes[Outcome.UNKNOWN],
        slowest_s=_rounded(max([*quiet, *_seconds(history, is_quiet=False)], default=0.0)),
        slowest_quiet_s=_rounded(max(quiet, default=0.0)),
        outages=len(list(_outages(history))),
        recovered_in_s=tuple(map(_rounded, _recovered_in_s(history))),
        pairs=tuple(sorted(_met(history))),
        phases=struck,
    )


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


def _seconds(history: History, *, is_quiet: bool) -> Iterator[float]:
    """Yield how long each answer took, without the time for which a poll asked to be held."""
    unquiet = unquiet_times(history)
    for one in _requests(history):
        if one.status is None or one.end_ns is None:
            continue
        if unquiet.touch(one.start_ns, one.end_ns) is not is_quiet:
            held_s = one.wait_s if isinstance(one, Poll) else 0.0
            yield max(0.0, (one.end_ns - one.start_ns) / NS_PER_S - held_s)


def _requests(history: History) -> list[Send | Poll]:
    return [*history.sends, *history.polls]


def _met(history: History) -> set[Pair]:
    return {
        (min(one.name, other.name), max(one.name, other.name))
        for one, other in combinations(history.faults, 2)
        if one.name != other.name and one.injected_ns <= _end_ns(other) and other.injected_ns <= _end_ns(one)
    }


def _end_ns(fault: FaultWindow) -> float:
    return math.inf if fault.healed_ns is None else fault.healed_ns


def _recovered_in_s(history: History) -> Iterator[float]:
    """Yield for each outage how long after its heal answers were still unusual, up to the next outage.

    A held poll that the next outage ends is unusual because of that one.
    """
    outages, busy = list(_outages(history)), Spans(under_pressure(history))
    last = (math.inf, math.inf)
    for (_, healed_ns), (next_ns, _) in pairwise([*outages, last]):
        if healed_ns == math.inf:
            continue
        unusual = [
            _until_ns(one, history)
            for one in _requests(history)
            if healed_ns < one.start_ns and _until_ns(one, history) < next_ns and _is_unusual(one)
        ]
        normal_ns = max(unusual, default=healed_ns)
        if not busy.touch(healed_ns, normal_ns):
            yield (normal_ns - healed_ns) / NS_PER_S


def _outages(history: History) -> Iterator[tuple[float, float]]:
    """Yield when each outage began and when all of its faults were healed; infinity if one never was."""
    begin_ns = end_ns = -math.inf
    for fault in sorted(history.faults, key=lambda fault: fault.injected_ns):
        if fault.injected_ns > end_ns:
            if end_ns > -math.inf:
                yield begin_ns, end_ns
            begin_ns = fault.injected_ns
        end_ns = max(end_ns, _end_ns(fault))
    if end_ns > -math.inf:
        yield begin_ns, end_ns


def _is_unusual(one: Send | Poll) -> bool:
    """Return whether it was not answered with a success, or with one that admits that a store is away."""
    admits = one.degraded is True if isinstance(one, Poll) else one.queued is False
    return one.outcome is not Outcome.OK or admits


def _until_ns(one: Send | Poll, history: History) -> int:
    return history.end_ns if one.end_ns is None else one.end_ns
