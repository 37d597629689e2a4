"""Two tabs of one user: one of them polls for both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.checkers.clients.lives import Life, bounds_of, ns
from harness.checkers.findings import at, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure
from harness.history import NS_PER_S, History

PROMISE = "paced"
SETTLE_NS = 2 * NS_PER_S
"""How long tabs may need to agree on who polls."""
INTERVALS = 4
ENOUGH = 3
SHARE = 0.25
"""A tab may ask by itself for what it missed, but not this often."""


def both_poll(history: History, some: tuple[Life, ...], pressure: Pressure) -> Iterator[Found]:
    """Yield where two tabs of one user both polled for a while in which nothing happened to them."""
    if not bounds_of(history).has.get("tabs"):
        return
    for since_ns, until_ns in _quiet(history, some):
        counts = {
            life.client: _polls(life, since_ns, until_ns)
            for life in some
            if _is_open(life, since_ns, until_ns)
        }
        polled = sorted(counts, key=lambda client: len(counts[client]))[-2:]
        if len(polled) < 2 or len(counts[polled[0]]) < max(ENOUGH, SHARE * len(counts[polled[1]])):
            continue
        if pressure.excuses_most_of(since_ns, until_ns):
            yield EXCUSED
            continue
        sentence = (
            f"{polled[0]} and {polled[1]} of {some[0].user} both polled from {at(history, since_ns)} to "
            f"{at(history, until_ns)}: {len(counts[polled[0]])} and {len(counts[polled[1]])} times."
        )
        yield finding(
            PROMISE, "tabs_both_poll", sentence, [it for client in polled for it in counts[client][:5]]
        )


def _quiet(history: History, some: tuple[Life, ...]) -> Iterator[tuple[int, int]]:
    """Yield the times in which nothing was done to any of these tabs, without the time to settle."""
    moments = {told.at_ns for life in some for told in life.told}
    ends = {moment for life in some for moment in (life.start_ns, life.end_ns)}
    long_ns = ns(INTERVALS * bounds_of(history).interval_s)
    for before_ns, after_ns in pairwise(sorted(moments | ends)):
        if after_ns - before_ns - SETTLE_NS >= long_ns:
            yield before_ns + SETTLE_NS, after_ns


def _is_open(life: Life, since_ns: int, until_ns: int) -> bool:
    return life.start_ns <= since_ns and until_ns <= life.end_ns


def _polls(life: Life, since_ns: int, until_ns: int) -> list[dict[str, object]]:
    return [poll.event for poll in life.polls if since_ns <= poll.start_ns <= until_ns]
