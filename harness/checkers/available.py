"""available: through any one store's failure, sends and polls are answered as the contract says, within 1 s.

Inside a fault, from the probe's first failure to the heal, the contract's line for the broken store holds;
outside faults, every answer is ok. In between (the fault is not active yet, or the server still recovers)
either is right, but never a 500, never no answer, never an answer later than the bound.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from operator import attrgetter, sub

from harness.arithmetic import summary
from harness.checkers.expected_answers import (
    AWAY_STORES,
    HEALTHY,
    AnswerKind,
    answers_of,
    broken_by,
    expected,
    is_total,
)
from harness.checkers.fault_windows import recovered_ns
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.checkers.serving import endless, not_back, not_let_in, tolerated
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, Effect, Event, FaultWindow, History, Poll, Send
from harness.history.operations import OK
from harness.verdict import Finding, Judgement

PROMISE = "available"
ENOUGH_OPERATIONS = 5
"""Fewer sends or polls inside a fault are too few to judge it."""
REPLACED_WITHIN_S = 5
"""By then a server has replaced workers that were killed, and answers again."""
NOT_FOR_USERS = (401, 403, 404)
"""Always wrong for a signed-in user who polls his own mailbox or writes to a user who exists."""
_ANSWER, _WAIT_S = attrgetter("outcome", "status"), attrgetter("wait_s")


def available(history: History) -> Judgement:
    """Judge the promise over one history."""
    inquiry = _Inquiry(history)
    findings, excused = sort_out(inquiry.run())
    return conclude(history, PROMISE, findings, inquiry.evidence(excused), doubt=inquiry.doubt(excused))


@dataclass(frozen=True)
class _Timed:
    """Operations in the order of their start; when each began and was over, in ns, and how long it took."""

    operations: Sequence[Send | Poll]
    starts: Sequence[int]
    ends: Sequence[int]
    seconds: Sequence[float]


def _timed(operations: Sequence[Send | Poll], ends: Sequence[int]) -> _Timed:
    starts = [operation.start_ns for operation in operations]
    pairs = zip(starts, ends, strict=True)
    seconds = [(end - start) / NS_PER_S if end > start else 0.0 for start, end in pairs]
    return _Timed(operations, starts, ends, seconds)


def _timed_sends(sends: Sequence[Send], end_ns: int) -> _Timed:
    """Return sends with their times; one that was never answered took until the end of the history."""
    return _timed(sends, [send.end_ns or end_ns for send in sends])


def _timed_polls(polls: Sequence[Poll]) -> _Timed:
    """Return polls with their times, without the time for which a poll could be held."""
    timed = _timed(polls, [poll.end_ns for poll in polls])
    if not any(map(_WAIT_S, polls)):
        return timed
    pairs = zip(polls, timed.seconds, strict=True)
    return replace(timed, seconds=[max(0.0, lasted_s - poll.wait_s) for poll, lasted_s in pairs])


@dataclass
class _Inquiry:
    history: History

    def __post_init__(self) -> None:
        self.bound_s = self.history.bounds.answers_within_s
        self.pressure = Pressure(self.history)
        sends, polls = self._that_prove_something()
        self.sends, self.polls = _timed_sends(sends, self.history.end_ns), _timed_polls(polls)
        self.faults = sorted(self.history.faults, key=attrgetter("injected_ns"))
        self.recovered = [recovered_ns(window, self.history) for window in self.faults]
        self.injected = [window.injected_ns for window in self.faults]
        self.faulty = Spans(zip(self.injected, self.recovered, strict=True))
        self.all_recovered = list(accumulate(self.recovered, max))

    @cached_property
    def starts(self) -> tuple[list[int], list[int]]:
        """When each send and each poll began."""
        return [send.start_ns for send in self.history.sends], [poll.start_ns for poll in self.history.polls]

    @cached_property
    def served_consumers(self) -> set[str]:
        """Consumers that were served; like what follows, asked only about what can be wrong."""
        return {poll.consumer for poll in self.history.polls if poll.outcome is OK}

    @cached_property
    def readers(self) -> set[str]:
        """Users whose mailboxes were polled."""
        return {poll.reader for poll in self.history.polls}

    @cached_property
    def served_pairs(self) -> set[tuple[str, str]]:
        """Senders and recipients of messages that were acked."""
        return {(send.sender, send.recipient) for send in self.history.sends if send.outcome is OK}

    def run(self) -> Iterator[Found]:
        yield from self._judge_all(self.sends)
        yield from self._judge_all(self.polls)
        yield from not_let_in(self.history, self._broken_or_perhaps, self.pressure)
        yield from not_back(self.history, self.pressure)
        yield from endless(self.history)

    def _judge_all(self, timed: _Timed) -> Iterator[Found]:
        bound_s, operations, ends = self.bound_s, timed.operations, timed.ends
        suspects = set(self.faulty.places(timed.starts, max(map(sub, ends, timed.starts), default=0)))
        suspects.update([place for place, taken_s in enumerate(timed.seconds) if taken_s > bound_s])
        suspects.update([place for place, it in enumerate(operations) if it.outcome is not OK])
        for place in sorted(suspects):  # nothing can be wrong with the others
            yield from self._judge(operations[place], ends[place], timed.seconds[place])

    def _may_be_refused(self, operation: Send | Poll) -> bool:
        """Whether the scenario can have provoked a 4xx: not for a reader or a pair that is served."""
        status = operation.status
        if isinstance(operation, Poll):
            return operation.consumer not in self.served_consumers and status not in NOT_FOR_USERS
        is_there = operation.recipient in self.readers
        known = is_there or (operation.sender, operation.recipient) in self.served_pairs
        return status != 401 and not (known and status in NOT_FOR_USERS)

    def _that_prove_something(self) -> tuple[Sequence[Send], Sequence[Poll]]:
        """Return the operations without those to whose answers the profile may not fit.

        Also without the sends before whose answer was due the history ended.
        """
        unread, ends_early_ns = self.history.unread, self.history.end_ns - self.bound_s * NS_PER_S
        sends = [
            send
            for send in self.history.sends
            if (send.end_ns is not None or send.start_ns < ends_early_ns) and send.op not in unread
        ]
        polls = self.history.polls
        return sends, [poll for poll in polls if poll.op not in unread] if unread else polls

    def _judge(self, operation: Send | Poll, end_ns: int, seconds: float) -> Iterator[Found]:
        broken, perhaps = self._stores(operation.start_ns, end_ns)
        line = expected(broken, perhaps, self.history.policy) if broken or perhaps else HEALTHY
        right = line.send if isinstance(operation, Send) else line.poll
        answers = answers_of(operation)
        if AnswerKind.REFUSED in answers and self._may_be_refused(operation):
            right |= {AnswerKind.REFUSED}
        if AnswerKind.SILENCE in answers & right and self._left_waiting(operation):
            right -= {AnswerKind.SILENCE}
        if not answers & right:
            is_excused = self.pressure.excuses(operation, end_ns)
            wrong = partial(self._wrong, operation, end_ns, answers, right, broken | perhaps)
            yield EXCUSED if is_excused else wrong()
        if seconds <= self.bound_s or AnswerKind.SILENCE in answers or AWAY_STORES & (broken | perhaps):
            return
        is_excused = self.pressure.excuses_time(operation.start_ns, end_ns)
        yield EXCUSED if is_excused else self._too_slow(operation, end_ns, seconds)

    def _left_waiting(self, operation: Send | Poll) -> bool:
        """Whether it hung although the killed workers must have been replaced before."""
        begun_ns = operation.start_ns - REPLACED_WITHIN_S * NS_PER_S
        return operation.error == "timeout" and any(
            Effect.WORKERS in window.effects
            and window.active_ns is not None
            and window.active_ns <= begun_ns
            and operation.start_ns <= recovered
            for window, recovered in zip(self.faults, self.recovered, strict=True)
        )

    def _stores(self, start_ns: int, end_ns: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return what was surely broken during the operation, and what may have been."""
        broken: set[str] = set()
        perhaps: set[str] = set()
        place = bisect_right(self.injected, end_ns)
        while place and self.all_recovered[place - 1] >= start_ns:
            place -= 1
            if self.recovered[place] >= start_ns:
                window = self.faults[place]
                (broken if _covers(window, start_ns, end_ns) else perhaps).add(broken_by(window))
        return frozenset(broken), frozenset(perhaps - broken)

    def _broken_or_perhaps(self, start_ns: int, end_ns: int) -> frozenset[str]:
        broken, perhaps = self._stores(start_ns, end_ns)
        return broken | perhaps

    def _wrong(
        self,
        operation: Send | Poll,
        end_ns: int,
        answers: frozenset[AnswerKind],
        right: frozenset[AnswerKind],
        faults: frozenset[str],
    ) -> Finding:
        wanted = " or ".join(sorted(answer.value for answer in right - {AnswerKind.REFUSED}))
        meanwhile = f" while {' and '.join(sorted(faults))} failed" if faults else " outside any fault"
        if AnswerKind.SILENCE in answers:
            kind = "unanswered"
            got = f"was not answered by {at(self.history, end_ns)} ({operation.error or 'nothing recorded'})"
        elif AnswerKind.OK in answers and right - {AnswerKind.REFUSED} == {AnswerKind.DEGRADED}:
            kind, got = "not_degraded", f"was answered {_claims(operation)}"
        else:
            kind, got = "wrong_status", f"was answered {_status(operation)} at {at(self.history, end_ns)}"
        sentence = f"{self._opening(operation)} {got}{meanwhile}; expected: {wanted}."
        return finding(PROMISE, kind, sentence, self._events(operation))

    def _too_slow(self, operation: Send | Poll, end_ns: int, seconds: float) -> Finding:
        sentence = (
            f"{self._opening(operation)} was answered {_status(operation)} only at "
            f"{at(self.history, end_ns)}, after {seconds:.3f} s; the bound is {self.bound_s:g} s."
        )
        return finding(PROMISE, "too_slow", sentence, self._events(operation))

    def _opening(self, operation: Send | Poll) -> str:
        start = at(self.history, operation.start_ns)
        if isinstance(operation, Send):
            return f"{operation.sender}'s send to {operation.recipient} at {start} (operation {operation.op})"
        return f"{operation.consumer}'s poll at {start} (operation {operation.op})"

    def _events(self, operation: Send | Poll) -> Iterable[Event]:
        return operation.events if isinstance(operation, Send) else (operation.event,)

    def evidence(self, excused: int) -> dict[str, object]:
        return {
            "sends": len(self.history.sends),
            "polls": len(self.history.polls),
            "answers": dict(
                sorted([*_counted("send", self.sends.operations), *_counted("poll", self.history.polls)])
            ),
            "answered_after_s": summary([*self.sends.seconds, *self.polls.seconds]),
            "excused_as_the_machine_was_too_busy": excused,
            "faults": [
                {"name": window.name, **dict(zip(("sends", "polls"), self._inside(window), strict=True))}
                for window in self.history.faults
            ],
        }

    def _inside(self, window: FaultWindow) -> tuple[int, int]:
        """Count sends and polls begun while a fault lasted; for a short one, until recovery was due."""
        start: float | None = window.active_ns
        end: float | None = window.heal_ns
        if not is_total(window):
            start, end = window.injected_ns, recovered_ns(window, self.history)
        sends, polls = self.starts
        return _between(sends, start, end), _between(polls, start, end)

    def doubt(self, excused: int) -> str:
        if sentence := tolerated(self.history):
            return sentence
        if not (self.sends.operations or self.polls.operations):
            return "there was no send and no poll whose answer was due"
        for window in self.history.faults:
            if sentence := self._doubt_about(window):
                return sentence
        return self.pressure.doubt(excused)

    def _doubt_about(self, window: FaultWindow) -> str:
        name = f"the fault '{window.name}'"
        if window.active_ns is None:
            return f"{name} was never proven to take effect"
        if window.healed_ns is None:
            return f"{name} was never seen healed"
        sends, polls = self._inside(window)
        if window.store in AWAY_STORES or min(sends, polls) >= ENOUGH_OPERATIONS:
            return ""
        few = f"fewer than {ENOUGH_OPERATIONS} of each"
        return f"only {sends} sends and {polls} polls started during {name}: {few} are too few to judge"


def _covers(window: FaultWindow, start_ns: int, end_ns: int) -> bool:
    if not is_total(window) or window.active_ns is None or window.active_ns > start_ns:
        return False
    return window.heal_ns is None or end_ns <= window.heal_ns


def _between(starts: list[int], start: float | None, end: float | None) -> int:
    if start is None:
        return 0
    return (len(starts) if end is None else bisect_right(starts, end)) - bisect_left(starts, start)


def _counted(what: str, operations: Iterable[Send | Poll]) -> Iterator[tuple[str, int]]:
    """Count the operations by their answers."""
    for (outcome, status), count in Counter(map(_ANSWER, operations)).items():
        yield f"{what} {outcome.value} {status or 'without an answer'}", count


def _status(operation: Send | Poll) -> str:
    error = f" ({operation.error})" if operation.error else ""
    return f"{operation.status}, {operation.outcome.value}{error}"


def _claims(operation: Send | Poll) -> str:
    if isinstance(operation, Send):
        return f"{operation.status} with queued: {str(operation.queued).lower()}"
    return f"{operation.status} with degraded: {str(operation.degraded).lower()}, source: {operation.source}"
