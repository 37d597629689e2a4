"""Waits after errors: they grow, and clients that failed together do not come back together.

Waits are random, from 0 to a cap that doubles (full jitter), so a short one proves nothing. What is reported
would come by chance less than once in a million, all waits of a row together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import comb

from harness.checkers.clients.lives import Pair, bounds_of, has, lives
from harness.checkers.findings import at, finding
from harness.history import NS_PER_S, ClientRequest, History
from harness.verdict import Finding

PROMISE = "paced"
BY_CHANCE = 1e-6
USUAL = 1.2
"""A wait of up to this many intervals is one of a client that does not back off."""
ALIKE = 0.05
"""Waits that differ by less than this part of their cap are the same."""
MOST_WAITS = 200
"""Of a client that tries again all the time, more prove nothing more."""
CLIENTS = 3
"""Of fewer clients one cannot say that they come back together."""

Bout = list[Pair]
"""Failed polls in a row, each with the poll after it."""


def without_back_off(history: History) -> Iterator[Finding]:
    """Yield the finding for clients whose waits stay as they are however often they fail.

    A busy machine excuses nothing: it can only make waits longer, and so some of them may be.
    """
    if not has(history, "back_off"):
        return
    usual_s = USUAL * bounds_of(history).interval_s
    again = ((place, pair) for bout in _bouts(history) for place, pair in enumerate(bout) if place)
    waits = list(islice(again, MOST_WAITS))
    chances = [min(1.0, usual_s / cap_s(history, place)) for place, _ in waits]
    short = [before for _, (before, after) in waits if _wait_s((before, after)) <= usual_s]
    if chance_of(len(short), chances) >= BY_CHANCE:
        return
    sentence = (
        f"{len(waits)} polls failed after one that had failed, from {at(history, short[0].end_ns)} on, and "
        f"{len(short)} of them were followed by a wait of at most {usual_s:.2f} s: the waits do not grow."
    )
    yield finding(PROMISE, "no_back_off", sentence, [before.event for before in short])


def chance_of(count: int, chances: Sequence[float]) -> float:
    """Return the probability that so many things or more happen, each of which has one of these chances."""
    exactly = [1.0]  # for each number of things, the probability that it is that many
    for chance in chances:
        not_this, this = [*exactly, 0.0], [0.0, *exactly]
        exactly = [a * (1 - chance) + b * chance for a, b in zip(not_this, this, strict=True)]
    return sum(exactly[count:])


def failed_together(history: History) -> Iterator[Finding]:
    """Yield the finding for clients that failed as often and waited as long, more often than by chance.

    A wait of an interval says nothing: many clients wait for their interval at least.
    """
    bouts = [bout for bout in _bouts(history, apart=True) if len(bout) > 1]
    if len(bouts) < CLIENTS or not has(history, "back_off"):
        return
    places = range(min(map(len, bouts)))
    same = [place for place in places if _are_alike(history, place, [bout[place] for bout in bouts])]
    chance = comb(len(places), len(same)) * (len(bouts) * (2 * ALIKE) ** (len(bouts) - 1)) ** len(same)
    if chance >= BY_CHANCE:
        return
    waits = ", ".join(f"{_wait_s(bouts[0][place]):.2f} s" for place in same)
    sentence = (
        f"{len(bouts)} clients that failed waited equally long {len(same)} times ({waits}): they come back "
        "at the same time, all of them."
    )
    yield finding(PROMISE, "no_jitter", sentence, [bout[place][0].event for place in same for bout in bouts])


def cap_s(history: History, place: int) -> float:
    """Return the longest wait after the failure of this number, counted from 0, in seconds."""
    numbers = bounds_of(history)
    return max(numbers.interval_s, min(numbers.longest_back_off_s, numbers.interval_s * 2.0**place))


def _are_alike(history: History, place: int, pairs: Bout) -> bool:
    waits = [_wait_s(pair) for pair in pairs]
    is_usual = min(waits) <= USUAL * bounds_of(history).interval_s
    return not is_usual and max(waits) - min(waits) <= ALIKE * cap_s(history, place)


def _wait_s(pair: Pair) -> float:
    before, after = pair
    return (after.start_ns - before.end_ns) / NS_PER_S


def _bouts(history: History, *, apart: bool = False) -> Iterator[Bout]:
    """Yield the failures in a row of each client; `apart`: only the longest ones, each of another client."""
    for life in lives(history):
        bouts: list[Bout] = [[]]
        for pair in life.pairs:
            if is_failure(pair[0]):
                bouts[-1].append(pair)
            elif bouts[-1]:
                bouts.append([])
        yield from [max(bouts, key=len)] if apart else bouts


def is_failure(poll: ClientRequest) -> bool:
    """Whether a client must take it as an error, and waits as long as it likes."""
    return not poll.is_good and not poll.retry_after_s and poll.script != "bad message"
