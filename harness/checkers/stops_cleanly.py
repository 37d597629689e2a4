"""stops-cleanly: after SIGTERM a server answers what it accepted, and refuses the rest at once.

A request that was well under way at SIGTERM was accepted: it must get a status, no matter which. A later one
may be answered, or its connection refused or closed, but it must not hang until its time-out. The server must
end by itself, without being killed.

A busy machine excuses what took too long. It does not excuse that a poll that had been held for two seconds
was cut off within two seconds of SIGTERM: no slow stop is that fast.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.history import NS_PER_S, Effect, FaultWindow, History, Poll, Send
from harness.verdict import Finding, Judgement

PROMISE = "stops-cleanly"
UNDER_WAY_NS = 100_000_000
"""A request that began this long before SIGTERM was accepted."""
CERTAIN_NS = 2 * NS_PER_S
ENOUGH_REQUESTS = 3


def stops_cleanly(history: History) -> Judgement:
    """Judge the promise over one history."""
    stops = [window for window in history.faults if Effect.STOP in window.effects]
    pressure = Pressure(history)
    findings, excused = sort_out(_wrongs(history, stops, pressure))
    under_way = sum(_was_accepted(operation, stop) for stop in stops for operation in _during(history, stop))
    doubt = pressure.doubt(excused)
    if under_way < ENOUGH_REQUESTS:
        doubt = f"only {under_way} requests were under way when the server was sent SIGTERM"
    return conclude(history, PROMISE, findings, {"stops": len(stops), "under_way": under_way}, doubt=doubt)


def _wrongs(history: History, stops: list[FaultWindow], pressure: Pressure) -> Iterator[Found]:
    for stop in stops:
        is_under_pressure = pressure.excuses_time(stop.injected_ns, stop.active_ns or stop.injected_ns)
        for operation in _during(history, stop):
            if _is_unanswered(operation, stop):
                excused = is_under_pressure and not _is_certain(stop, operation)
                yield EXCUSED if excused else _finding(history, stop, operation)
    yield from _never_ended(history, pressure)


def _was_accepted(operation: Send | Poll, stop: FaultWindow) -> bool:
    return operation.start_ns < stop.injected_ns - UNDER_WAY_NS


def _is_unanswered(operation: Send | Poll, stop: FaultWindow) -> bool:
    """Whether it got no status although it was accepted, or hung until its time-out."""
    return operation.status is None and (_was_accepted(operation, stop) or operation.error == "timeout")


def _is_certain(stop: FaultWindow, operation: Send | Poll) -> bool:
    """Whether a held poll was cut off in a way that no busy machine explains."""
    if not isinstance(operation, Poll) or not operation.wait_s or operation.end_ns is None:
        return False
    lost = operation.error not in (None, "timeout")
    begun_ns, cut_ns = stop.injected_ns - CERTAIN_NS, stop.injected_ns + CERTAIN_NS
    return lost and operation.start_ns < begun_ns and stop.injected_ns <= operation.end_ns <= cut_ns


def _never_ended(history: History, pressure: Pressure) -> Iterator[Found]:
    for wait in history.gave_up:
        if wait.of != "stop":
            continue
        if pressure.excuses_most_of(wait.since_ns, wait.until_ns):
            yield EXCUSED
            continue
        sentence = f"the server was sent SIGTERM at {at(history, wait.since_ns)} and had to be killed at "
        sentence += f"{at(history, wait.until_ns)}."
        yield finding(PROMISE, "never_ended", sentence, (wait.event,))


def _during(history: History, stop: FaultWindow) -> Iterator[Send | Poll]:
    """Yield the requests that a stop can cut off: begun before its end, not answered before it."""
    operations: list[Send | Poll] = [*history.sends, *history.polls]
    for operation in operations:
        end_ns = history.end_ns if operation.end_ns is None else operation.end_ns
        if end_ns >= stop.injected_ns and operation.start_ns <= (stop.active_ns or stop.injected_ns):
            yield operation


def _finding(history: History, stop: FaultWindow, operation: Send | Poll) -> Finding:
    who = operation.sender if isinstance(operation, Send) else operation.consumer
    what = "send" if isinstance(operation, Send) else "poll"
    sentence = (
        f"{who}'s {what} at {at(history, operation.start_ns)} (operation {operation.op}) was not answered "
        f"({operation.error or 'nothing recorded'}); the server was sent SIGTERM at "
        f"{at(history, stop.injected_ns)}."
    )
    events = operation.events if isinstance(operation, Send) else (operation.event,)
    return finding(PROMISE, "cut_off" if _was_accepted(operation, stop) else "left_waiting", sentence, events)
