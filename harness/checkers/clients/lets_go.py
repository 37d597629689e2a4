"""lets-go: after a stop a client asks for nothing, hands nothing on, and does not keep its request open."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import Life, lives, unseen
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.history import NS_PER_S, History
from harness.verdict import Judgement

PROMISE = "lets-go"
ABORTED_WITHIN_NS = 2 * NS_PER_S
STOPS = ("stop", "close_tab")


def lets_go(history: History) -> Judgement:
    """Judge the promise over one history."""
    stopped = [life for life in lives(history) if life.ended_by in STOPS]
    pressure = Pressure(history)
    findings, excused = sort_out(it for life in stopped for it in _wrongs(history, life, pressure))
    doubt = unseen(history) or ("" if stopped else "no client was stopped")
    evidence = {"stopped": len(stopped)}
    return conclude(history, PROMISE, findings, evidence, doubt=doubt or pressure.doubt(excused, "requests"))


def has_stopped(history: History) -> bool:
    """Whether a client was stopped."""
    return any(life.ended_by in STOPS for life in lives(history))


def _wrongs(history: History, life: Life, pressure: Pressure) -> Iterator[Found]:
    until_ns = _next_start_ns(history, life)
    stop = f"was stopped at {at(history, life.end_ns)}"
    told = life.told[-1].event
    for request in history.requests:
        if request.client != life.client:
            continue
        if life.end_ns + life.grace_ns < request.start_ns < until_ns:
            sentence = f"{life.client} {stop}, and began a request at {at(history, request.start_ns)}."
            yield finding(PROMISE, "still_polls", sentence, (told, request.event))
        elif (
            request.start_ns <= life.end_ns + life.grace_ns
            and request.end_ns > life.end_ns + ABORTED_WITHIN_NS
        ):
            if pressure.excuses_wait(life.end_ns, request.end_ns, ABORTED_WITHIN_NS):
                yield EXCUSED
                continue
            sentence = f"{life.client} {stop}, and kept a request open until {at(history, request.end_ns)}."
            yield finding(PROMISE, "left_request", sentence, (told, request.event))
    for handed in history.handed:
        grace_ns = life.grace_ns if life.client.startswith("program") else 0
        if handed.client == life.client and life.end_ns + grace_ns < handed.at_ns < until_ns:
            sentence = (
                f"{life.client} {stop}, and handed on message {handed.id} at {at(history, handed.at_ns)}."
            )
            yield finding(PROMISE, "still_shows", sentence, (told, handed.event))


def _next_start_ns(history: History, life: Life) -> float:
    """Return when the client was started again, if it was."""
    starts = (it.at_ns for it in history.told if it.client == life.client and it.did in ("start", "switch"))
    return min((it - life.grace_ns for it in starts if it > life.end_ns), default=float("inf"))
