"""keeps-polling: as long as a client runs it polls, whatever its polls are answered.

Between the end of one poll and the begin of the next it may wait for its longest back-off or its interval,
and for what `Retry-After` asks. A poll that is not answered does not hold it for longer than its time-out.
Tabs of one browser count together: one of them may poll for all. A client that was told 401 may stop.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import GRACE_NS, Life, bounds_of, by_user, ns, unseen
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, ClientRequest, History
from harness.verdict import Judgement

PROMISE = "keeps-polling"
SLACK_NS = NS_PER_S
ENOUGH_POLLS = 3


def keeps_polling(history: History) -> Judgement:
    """Judge the promise over one history."""
    pressure = Pressure(history)
    everyone = by_user(history).values()
    findings, excused = sort_out(it for some in everyone for it in _wrongs(history, some, pressure))
    polls = sum(len(life.polls) for some in everyone for life in some)
    failed = sum(not poll.is_good for some in everyone for life in some for poll in life.polls)
    few = "" if polls >= ENOUGH_POLLS else f"only {polls} polls were seen"
    doubt = unseen(history) or few or pressure.doubt(excused, "pauses")
    return conclude(history, PROMISE, findings, {"polls": polls, "failed": failed}, doubt=doubt)


def _wrongs(history: History, some: tuple[Life, ...], pressure: Pressure) -> Iterator[Found]:
    polls = sorted((poll for life in some for poll in life.polls), key=lambda it: it.start_ns)
    for poll in polls:
        yield from _hangs(history, poll, pressure)
    for since_ns, until_ns, before in _waits(some, polls):
        allowed_ns = _allowed_ns(history, before)
        if until_ns - since_ns <= allowed_ns:
            continue
        if pressure.excuses_wait(since_ns, until_ns, allowed_ns):
            yield EXCUSED
            continue
        after = f"a poll that was answered {_answer(before)}" if before else "its start"
        sentence = (
            f"{some[0].client} did not poll for {some[0].user} from {at(history, since_ns)}, after "
            f"{after}, to {at(history, until_ns)}; at most {allowed_ns / NS_PER_S:.1f} s are allowed."
        )
        told = (it.event for life in some for it in life.told)
        yield finding(PROMISE, "stopped_polling", sentence, (*([before.event] if before else ()), *told))


def _waits(
    some: tuple[Life, ...], polls: list[ClientRequest]
) -> Iterator[tuple[float, float, ClientRequest | None]]:
    """Yield the times without a poll in which one of these clients could poll, and the poll before."""
    off = Spans(pause for life in some for pause in life.pauses)
    running = Spans((life.start_ns, life.must_poll_until_ns) for life in some)
    for start_ns, end_ns in running:
        since_ns: float = start_ns
        before: ClientRequest | None = None
        for poll in polls:
            if start_ns - GRACE_NS <= poll.start_ns <= end_ns:
                yield off.end_of_last(since_ns, poll.start_ns), poll.start_ns, before
                if poll.end_ns >= since_ns:
                    since_ns, before = poll.end_ns, poll
        yield off.end_of_last(since_ns, end_ns), end_ns, before


def _allowed_ns(history: History, before: ClientRequest | None) -> int:
    numbers = bounds_of(history)
    asked_s = (before.retry_after_s or 0.0) + (before.poll_after_ms or 0.0) / 1000 if before else 0.0
    return ns(max(numbers.longest_back_off_s, numbers.interval_s) + asked_s) + SLACK_NS


def _hangs(history: History, poll: ClientRequest, pressure: Pressure) -> Iterator[Found]:
    bound_ns = ns(bounds_of(history).timeout_s + poll.wait_s) + SLACK_NS
    if poll.end_ns - poll.start_ns <= bound_ns:
        return
    if pressure.excuses_wait(poll.start_ns, poll.end_ns, bound_ns):
        yield EXCUSED
        return
    sentence = (
        f"{poll.client} waited from {at(history, poll.start_ns)} to {at(history, poll.end_ns)} for the "
        f"answer to one poll; its time-out is {bounds_of(history).timeout_s:g} s."
    )
    yield finding(PROMISE, "hangs", sentence, (poll.event,))


def _answer(poll: ClientRequest) -> str:
    return poll.script or str(poll.status or "nothing")
