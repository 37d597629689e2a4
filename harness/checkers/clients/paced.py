"""paced: a client asks neither faster nor more slowly than it may, and after errors more slowly.

Between two polls lies its interval, or the server's `poll_after_ms`, counted from the start of the first one
and shortened by its round trip. It may poll at once where an answer says `has_more` and moved the cursor,
after a poll that was held, and after something woke it. After errors it waits longer each time, and not as
long as other clients that failed at the same time. Its waits are random, so these two are judged only where
chance cannot explain what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from harness.checkers.clients.backing_off import failed_together, is_failure, without_back_off
from harness.checkers.clients.lives import (
    GRACE_NS,
    WAKES,
    Life,
    Pair,
    bounds_of,
    by_user,
    has,
    lives,
    ns,
    unseen,
)
from harness.checkers.clients.tabs import both_poll
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.checkers.spans import Span, Spans
from harness.history import NS_PER_S, ClientRequest, History
from harness.verdict import Judgement

PROMISE = "paced"
TOLERANCE_NS = NS_PER_S // 20
ABORT_SEEN_WITHIN_NS = NS_PER_S // 2
"""The front learns that a connection is gone only when it is told."""
FASTEST = 0.5
"""A smoothed round trip may shorten the interval to this part: what comes sooner is too fast."""
TOO_MANY_REQUESTS = 429
SOON = 0.25
AT_ONCE = ("ignored_retry_after", "answered_429_at_once")
HAMMERING = 5
"""So many waits in a row of almost nothing are no jitter: one of them can be."""
ALMOST_NOTHING = 0.2
ENOUGH_POLLS = 4
DRIFT_POLLS = 5
"""Where the round trip is long, the start of polls is compared over so many of them."""


def paced(history: History) -> Judgement:
    """Judge the promise over one history."""
    pressure = Pressure(history)
    findings, excused = sort_out(_wrongs(history, pressure))
    polls = sum(len(life.polls) for life in lives(history))
    few = "" if polls >= ENOUGH_POLLS else f"only {polls} polls were seen"
    doubt = unseen(history) or few or pressure.doubt(excused, "waits")
    return conclude(history, PROMISE, findings, {"polls": polls}, doubt=doubt)


def _wrongs(history: History, pressure: Pressure) -> Iterator[Found]:
    for some in by_user(history).values():
        woken = _woken(some)
        for life in some:
            yield from _at_once(history, life, pressure)
            for pair in life.pairs:
                yield from _one_wait(history, pair, some, woken, pressure)
            yield from _hammers(history, life)
            yield from _drifts(history, life, pressure)
        yield from both_poll(history, some, pressure)
    yield from without_back_off(history)
    yield from failed_together(history)


def _woken(some: tuple[Life, ...]) -> Spans:
    """Return when something let one of these clients poll at once."""
    moments = (told.at_ns for life in some for told in life.told if told.did in WAKES)
    return Spans((at_ns - GRACE_NS, at_ns + GRACE_NS) for at_ns in moments)


def _at_once(history: History, life: Life, pressure: Pressure) -> Iterator[Found]:
    """Yield polls that began while another one of the same client was under way."""
    for before, after in life.pairs:
        tolerance_ns = ABORT_SEEN_WITHIN_NS if before.aborted else TOLERANCE_NS
        if before.end_ns - after.start_ns > tolerance_ns:
            if pressure.excuses_time(before.start_ns, before.end_ns):
                yield EXCUSED
                continue
            sentence = (
                f"{life.client} began a poll at {at(history, after.start_ns)}, while the one from "
                f"{at(history, before.start_ns)} was under way until {at(history, before.end_ns)}."
            )
            yield finding(PROMISE, "two_in_flight", sentence, (before.event, after.event))


def _one_wait(
    history: History, pair: Pair, some: tuple[Life, ...], woken: Spans, pressure: Pressure
) -> Iterator[Found]:
    """Yield what is wrong with the wait between two polls."""
    before, after = pair
    wait_ns = after.start_ns - before.end_ns
    kind, least_ns, most_ns = _right_wait(history, before, after, woken)
    if least_ns <= wait_ns and (wait_ns <= most_ns or _another_polled(some, before, most_ns)):
        return
    if _is_excused(kind, pair, (least_ns, most_ns), pressure):
        yield EXCUSED
        return
    is_slow = wait_ns > most_ns
    right = f"at most {most_ns / NS_PER_S:.2f} s" if is_slow else f"at least {least_ns / NS_PER_S:.2f} s"
    sentence = (
        f"{after.client} polled at {at(history, after.start_ns)}, {wait_ns / NS_PER_S:.3f} s after the "
        f"answer ({_said(before)}) to its poll of {at(history, before.start_ns)}; {right} would be right."
    )
    yield finding(PROMISE, "too_slow" if is_slow else kind, sentence, (before.event, after.event))


def _right_wait(
    history: History, before: ClientRequest, after: ClientRequest, woken: Spans
) -> tuple[str, float, float]:
    """Return the shortest and the longest right wait after an answer, in ns, and what a shorter one is."""
    spacing_ns = _spacing_ns(history, before)
    if before.retry_after_s and has(history, "retry_after"):  # it holds whatever wakes the client
        return "ignored_retry_after", ns(before.retry_after_s) - NS_PER_S // 4, inf
    if woken.touch(before.start_ns, after.start_ns):
        return "", -inf, inf
    if before.status == TOO_MANY_REQUESTS:
        return "answered_429_at_once", SOON * spacing_ns, inf
    if not before.is_good or before.wait_s or after.wait_s:
        return "", -inf, inf
    most_ns = spacing_ns + max(spacing_ns // 2, NS_PER_S // 2)
    if _asks_for_more(before):
        return "", -inf, most_ns
    round_trip_ns = before.end_ns - before.start_ns
    return "too_fast", FASTEST * spacing_ns - round_trip_ns - TOLERANCE_NS, most_ns


def _is_excused(kind: str, pair: Pair, right: Span, pressure: Pressure) -> bool:
    """Whether pressure explains that the wait between two polls is not a right one."""
    (before, after), (least_ns, most_ns) = pair, right
    if after.start_ns - before.end_ns > most_ns:
        return pressure.excuses_wait(before.end_ns, after.start_ns, most_ns)
    # No pressure makes a client come early: it cannot have had the answer before the front had its request.
    is_certain = kind in AT_ONCE and after.start_ns - before.start_ns < least_ns
    return not is_certain and pressure.excuses_time(before.start_ns, after.start_ns)


def _another_polled(some: tuple[Life, ...], before: ClientRequest, within_ns: float) -> bool:
    """Whether another tab of the user polled meanwhile."""
    return any(
        before.end_ns <= poll.start_ns <= before.end_ns + within_ns
        for life in some
        if life.client != before.client
        for poll in life.polls
    )


def _said(poll: ClientRequest) -> str:
    asked = f", Retry-After {poll.retry_after_s:g} s" if poll.retry_after_s else ""
    return f"{poll.status or 'none'}{asked}"


def _spacing_ns(history: History, before: ClientRequest) -> int:
    """Return how far apart two polls are to be after this answer."""
    interval_ns = ns(bounds_of(history).interval_s)
    asked = before.poll_after_ms if has(history, "poll_after_ms") else None
    return round(asked * 1_000_000) if asked and asked > 0 else interval_ns


def _asks_for_more(poll: ClientRequest) -> bool:
    return poll.has_more and poll.next_since != poll.since


def _hammers(history: History, life: Life) -> Iterator[Found]:
    """Yield where a client tried again and again after errors with almost no wait."""
    almost_ns = ns(ALMOST_NOTHING * bounds_of(history).interval_s)
    quick: list[ClientRequest] = []
    for before, after in life.pairs:
        is_quick = is_failure(before) and after.start_ns - before.end_ns < almost_ns
        quick = [*quick, before] if is_quick else []
        if len(quick) == HAMMERING:
            sentence = (
                f"{life.client} tried again {HAMMERING} times in a row with almost no wait, from "
                f"{at(history, quick[0].end_ns)} to {at(history, after.start_ns)}."
            )
            yield finding(PROMISE, "hammers", sentence, (*(it.event for it in quick), after.event))


def _drifts(history: History, life: Life, pressure: Pressure) -> Iterator[Found]:
    """Yield where the interval is counted from the answer: then long round trips make every message late."""
    interval_ns = ns(bounds_of(history).interval_s)
    row: list[Pair] = []
    for before, after in life.pairs:
        is_usual = before.is_good and not before.wait_s and not before.has_more
        is_long = 0.3 * interval_ns <= before.end_ns - before.start_ns <= interval_ns
        row = [*row, (before, after)] if is_usual and is_long else []
        if len(row) < DRIFT_POLLS:
            continue
        spacings = sorted(
            later.start_ns - earlier.start_ns - _spacing_ns(history, earlier) for earlier, later in row
        )
        trips = sorted(earlier.end_ns - earlier.start_ns for earlier, _ in row)
        middle = len(row) // 2
        if spacings[middle] > trips[middle] / 2:
            if pressure.excuses_time(row[0][0].start_ns, after.start_ns):
                yield EXCUSED
            else:
                sentence = (
                    f"{life.client} begins its polls {spacings[middle] / NS_PER_S:.2f} s later than its "
                    f"interval says, as an answer takes {trips[middle] / NS_PER_S:.2f} s: it counts the "
                    "interval from the answer."
                )
                yield finding(PROMISE, "drifts", sentence, [earlier.event for earlier, _ in row])
            row = []
