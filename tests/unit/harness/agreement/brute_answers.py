"""available by brute force: every request against what the table allows while each fault lasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from harness.history import NS_PER_S, Attempt, FaultWindow, GaveUp, History, Outcome, Poll, Send

from .definitions import (
    BROKEN,
    KEPT,
    NOT_BROKEN,
    UNPROVEN,
    Allowed,
    has_quiet_period,
    hung_under_pressure,
    pressure_periods,
    touches_pressure,
)

AWAY = ("refused", "black-holed", "killed")
NO_WRITES = ("read-only", "out of memory")
STORES = ("redis", "mongodb", "server", "client")
WORST_LAST = ("up", "no writes", "away")
UP = frozenset({"up"})


@dataclass(frozen=True)
class Request:
    """A send or a poll, and what of its answer matters here; `end_ns` is None where nothing was recorded."""

    start_ns: int
    end_ns: int | None
    bound_ns: int
    call: Send | Poll

    @property
    def unanswered(self) -> bool:
        return self.call.status is None


def available(history: History) -> Allowed:
    """Sends and polls keep answering as the table says, within the bound."""
    asked = list(_requests(history))
    broken = [request for request in asked if _wrong(request, history) or _too_slow(request, history)]
    if any(not _excused_by_pressure(request, history) for request in broken) or _is_endless(history):
        return BROKEN
    let_down = [(it, _may_be_pressure(it)) for it in history.required if _is_turned_away(it, history)]
    let_down += [(wait, True) for wait in history.gave_up if wait.of == "serving"]
    if any(not (excusable and _under_pressure(it, history)) for it, excusable in let_down):
        return BROKEN
    if not asked or broken or let_down or any(it.status == 429 for it in history.required):
        return UNPROVEN
    return NOT_BROKEN if history.faults else KEPT


def _requests(history: History) -> Iterator[Request]:
    bound_ns = round(history.bounds.answers_within_s * NS_PER_S)
    for send in history.sends:
        cut_off = send.end_ns is None and history.end_ns - send.start_ns <= bound_ns
        if not cut_off:
            yield Request(send.start_ns, send.end_ns, bound_ns, send)
    for poll in history.polls:
        yield Request(poll.start_ns, poll.end_ns, bound_ns + round(poll.wait_s * NS_PER_S), poll)


def _too_slow(request: Request, history: History) -> bool:
    """Whether it was answered late, while neither the server nor the client was away."""
    if request.end_ns is None or request.unanswered:
        return False
    if any(_states(request, store, history) != UP for store in ("server", "client")):
        return False
    return request.end_ns - request.start_ns > request.bound_ns


def _excused_by_pressure(request: Request, history: History) -> bool:
    """Whether pressure explains a slow answer, a 503 or a time-out."""
    until_ns = history.end_ns if request.end_ns is None else request.end_ns
    if request.unanswered and request.call.error == "timeout":
        held_s = request.call.wait_s if isinstance(request.call, Poll) else 0.0
        return hung_under_pressure(request.start_ns, until_ns, history, held_s=held_s)
    explained = not _wrong(request, history) or request.call.status == 503
    return explained and touches_pressure(request.start_ns, until_ns, history)


def _is_turned_away(needed: Attempt, history: History) -> bool:
    """Whether a user could not sign in; while a store is broken, 503 is right."""
    if needed.status in (200, 429) and needed.error is None:
        return False
    felt = {fault.store for fault in history.faults if _felt(fault, needed, history)} - {"clock", "signal"}
    at_all = felt & {"server", "client"} and needed.status != 500
    return not (at_all or (felt and needed.status == 503))


def _felt(fault: FaultWindow, needed: Attempt, history: History) -> bool:
    recovers_ns = round(history.bounds.recovers_within_s * NS_PER_S)
    is_over = fault.healed_ns is not None and fault.healed_ns + recovers_ns < needed.start_ns
    return needed.end_ns >= fault.injected_ns and not is_over


def _may_be_pressure(needed: Attempt) -> bool:
    return needed.status == 503 or (needed.status is None and needed.error == "timeout")


def _under_pressure(waited: Attempt | GaveUp, history: History) -> bool:
    since_ns, until_ns = (
        (waited.start_ns, waited.end_ns)
        if isinstance(waited, Attempt)
        else (waited.since_ns, waited.until_ns)
    )
    if isinstance(waited, Attempt) and waited.status is None:
        return hung_under_pressure(since_ns, until_ns, history)
    if isinstance(waited, GaveUp) and has_quiet_period(
        pressure_periods(history), since_ns, until_ns, (until_ns - since_ns) // 2
    ):
        return False
    return touches_pressure(since_ns, until_ns, history)


def _is_endless(history: History) -> bool:
    """Whether ten polls of a consumer in a row said `has_more`, were empty and kept the cursor."""
    for polls in history.consumers().values():
        empty = "".join(
            "x" if poll.has_more and not poll.messages and poll.next_since == poll.since else "."
            for poll in polls
        )
        if "x" * 10 in empty:
            return True
    return False


def _wrong(request: Request, history: History) -> bool:
    """Whether no line of the table that may hold at the time has this answer."""
    status = request.call.status
    if status is not None and 400 <= status < 500:
        return _refused_though_welcome(request.call, history)
    if status == 500:
        return True
    states = product(*(_states(request, store, history) for store in STORES))
    hung = _hung_on_dead_workers(request, history)
    return not any(_right(request.call, *state, hung=hung) for state in states)


def _hung_on_dead_workers(request: Request, history: History) -> bool:
    """Whether it timed out although the workers had been dead for five seconds when it began."""
    felt = [fault for fault in history.faults if _touches(request, fault, history)]
    dead = [fault.active_ns for fault in felt if fault.name.startswith("server worker")]
    long_dead = any(active is not None and request.start_ns - active >= 5 * NS_PER_S for active in dead)
    return request.unanswered and request.call.error == "timeout" and long_dead


def _refused_though_welcome(call: Send | Poll, history: History) -> bool:
    stranger = call.status in (401, 403, 404)
    if isinstance(call, Poll):
        return stranger or any(
            poll.consumer == call.consumer and poll.outcome is Outcome.OK for poll in history.polls
        )
    is_there = any(poll.reader == call.recipient for poll in history.polls) or any(
        (send.sender, send.recipient) == (call.sender, call.recipient) and send.outcome is Outcome.OK
        for send in history.sends
    )
    return call.status == 401 or (stranger and is_there)


def _states(request: Request, store: str, history: History) -> frozenset[str]:
    """What this store may be during this request: of all its faults the worst that is felt."""
    of_each = [
        _states_under(fault, request)
        for fault in history.faults
        if fault.store == store and _touches(request, fault, history)
    ]
    return frozenset(max(felt, key=WORST_LAST.index, default="up") for felt in product(*of_each))


def _states_under(fault: FaultWindow, request: Request) -> tuple[str, ...]:
    """What a fault makes of its store: its state wholly inside it, either in between."""
    kind = fault.name.partition(" ")[2]
    broken = "no writes" if kind in NO_WRITES else "away"
    surely = kind in AWAY + NO_WRITES and _inside(request, fault)
    return (broken,) if surely else (broken, "up")


def _touches(request: Request, fault: FaultWindow, history: History) -> bool:
    end_ns = history.end_ns if request.end_ns is None else request.end_ns
    recovers_ns = round(history.bounds.recovers_within_s * NS_PER_S)
    over_ns = None if fault.healed_ns is None else fault.healed_ns + recovers_ns
    return end_ns >= fault.injected_ns and (over_ns is None or request.start_ns <= over_ns)


def _inside(request: Request, fault: FaultWindow) -> bool:
    return (
        fault.active_ns is not None
        and request.end_ns is not None
        and request.start_ns >= fault.active_ns
        and (fault.heal_ns is None or request.end_ns <= fault.heal_ns)
    )


def _right(call: Send | Poll, redis: str, mongodb: str, server: str, client: str, *, hung: bool) -> bool:
    """The table of docs/verdicts.md, a line at a time."""
    if server != "up" or client != "up":
        return not hung
    if call.status == 503:
        return mongodb == "away"
    if call.status != 200 or call.outcome is not Outcome.OK:
        return False
    if isinstance(call, Send):
        return mongodb == "up" and (redis == "up" or call.replayed or call.queued is not True)
    if redis == "away":
        return mongodb == "up" and call.degraded is not False and call.source in (None, "mongodb")
    return True
