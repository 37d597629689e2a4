"""catches-up: once nothing keeps it from polling any more, a client polls soon, and shows what had waited.

It is woken by being shown or resumed, by the network that is back, by being loaded or opened, by another
tab's closing. After a server that misbehaved is well again (`heal`), the client may still be in the wait
after its last error.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from harness.checkers.clients.lives import (
    GRACE_NS,
    PAUSES,
    Life,
    bounds_of,
    by_user,
    longest_retry_after_s,
    ns,
    unseen,
)
from harness.checkers.clients.sent import sent_to
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.checkers.spans import Span
from harness.history import NS_PER_S, ClientTold, History
from harness.history.memoize import memoize
from harness.verdict import Judgement

PROMISE = "catches-up"
OF_A_CLIENT = ("show", "resume", "online", "reload", "start", "close_tab")
HEAL = "heal"


def catches_up(history: History) -> Judgement:
    """Judge the promise over one history."""
    pressure = Pressure(history)
    moments = _woken(history)
    findings, excused = sort_out(
        it for some, told in moments for it in _wrongs(history, some, told, pressure)
    )
    doubt = unseen(history) or ("" if moments else "nothing woke a client")
    return conclude(
        history, PROMISE, findings, {"woken": len(moments)}, doubt=doubt or pressure.doubt(excused, "moments")
    )


def has_woken(history: History) -> bool:
    """Whether something woke a client."""
    return bool(_woken(history))


@memoize
def _woken(history: History) -> list[tuple[tuple[Life, ...], ClientTold]]:
    return [(some, told) for some in by_user(history).values() for told in _moments(history, some)]


def _moments(history: History, some: tuple[Life, ...]) -> Iterator[ClientTold]:
    """Yield what let one of these clients poll again, if one did, or ran on for as long as it may need."""
    clients = {life.client for life in some}
    for told in history.told:
        is_theirs = (told.did in OF_A_CLIENT and told.client in clients) or told.did == HEAL
        if is_theirs and (_polled(history, some, told) or _had_time(history, some, told)):
            yield told


def _polled(history: History, some: tuple[Life, ...], told: ClientTold) -> bool:
    """Whether one of these clients polled in time."""
    return _next_poll_ns(some, told) <= told.at_ns + _bound_ns(history, told)


def _next_poll_ns(some: tuple[Life, ...], told: ClientTold) -> float:
    """Return when one of these clients polled next, or infinity.

    The end of a pause is recorded before the client can poll: what began before it may hang.
    """
    since_ns = told.at_ns - (0 if told.did in PAUSES.values() else GRACE_NS)
    starts = (poll.start_ns for life in some for poll in life.polls)
    return min((it for it in starts if it >= since_ns), default=inf)


def _had_time(history: History, some: tuple[Life, ...], told: ClientTold) -> bool:
    return _can_poll(some, told.at_ns, told.at_ns + _bound_ns(history, told))


def _can_poll(some: tuple[Life, ...], since_ns: int, until_ns: int) -> bool:
    """Whether one of these clients ran and could poll in all of this time."""
    return any(
        life.start_ns <= since_ns
        and until_ns <= life.must_poll_until_ns
        and not any(start <= until_ns and end > since_ns + GRACE_NS for start, end in life.pauses)
        for life in some
    )


def _bound_ns(history: History, told: ClientTold) -> int:
    numbers = bounds_of(history)
    back_off_s = numbers.longest_back_off_s + longest_retry_after_s(history) if told.did == HEAL else 0.0
    return ns(max(numbers.catch_up_s, numbers.interval_s) + back_off_s) + GRACE_NS


def _wrongs(
    history: History, some: tuple[Life, ...], told: ClientTold, pressure: Pressure
) -> Iterator[Found]:
    until_ns = told.at_ns + _bound_ns(history, told)
    if not _polled(history, some, told):
        time = _time_for(history, some, (told.at_ns, _next_poll_ns(some, told)), until_ns)
        if pressure.excuses_wait(told.at_ns, *time):
            yield EXCUSED
            return
        sentence = (
            f"{some[0].client} did not poll for {some[0].user} within "
            f"{_bound_ns(history, told) / NS_PER_S:.1f} s of '{told.did}' at {at(history, told.at_ns)}."
        )
        yield finding(
            PROMISE,
            "did_not_poll",
            sentence,
            (told.event, *(it.event for life in some for it in life.polls[-4:])),
        )
        return
    shown_until_ns = until_ns + ns(bounds_of(history).timeout_s) + NS_PER_S
    if not _can_poll(some, told.at_ns, shown_until_ns) or _misbehaved(history, told.at_ns, shown_until_ns):
        return
    for send in sent_to(history).get(some[0].user, ()):
        shown_ns = _first_shown_ns(history).get(send.id, inf)
        if (send.end_ns or 0) < told.at_ns and shown_until_ns < shown_ns < inf:  # never: see shows-all
            time = _time_for(history, some, (told.at_ns, shown_ns), shown_until_ns)
            if pressure.excuses_work(told.at_ns, *time):
                yield EXCUSED
                continue
            sentence = (
                f"message {send.id} of {send.recipient} had waited when '{told.did}' woke "
                f"{some[0].client} at {at(history, told.at_ns)}, and was not shown by "
                f"{at(history, shown_until_ns)}."
            )
            yield finding(PROMISE, "shown_late", sentence, (*send.events, told.event))


def _misbehaved(history: History, since_ns: int, until_ns: int) -> bool:
    """Whether the server misbehaved again meanwhile."""
    return any(it.script and it.end_ns >= since_ns and it.start_ns <= until_ns for it in history.requests)


@memoize
def _first_shown_ns(history: History) -> dict[str | None, int]:
    """Return when each message was shown for the first time, by its id."""
    return {it.id: it.at_ns for it in reversed(history.handed)}


def _time_for(history: History, some: tuple[Life, ...], waited: Span, until_ns: float) -> tuple[float, float]:
    """Return until when these clients could do what was due by `until_ns`, and how much time it may take.

    A poll that failed meanwhile may have failed because of pressure, and is followed by a back-off.
    """
    since_ns, end_ns = waited
    pauses = (start_ns for life in some for start_ns, _ in life.pauses if start_ns > since_ns)
    end_ns = min(end_ns, max(life.must_poll_until_ns for life in some), *pauses)
    polls = (poll for life in some for poll in life.polls if poll.start_ns <= end_ns)
    failed = sum(not poll.is_good and poll.end_ns >= since_ns for poll in polls)
    return end_ns, until_ns - since_ns + failed * ns(bounds_of(history).longest_back_off_s)
