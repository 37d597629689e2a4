"""Whether a step was carried: by the harness's checkers, and by the generator's own figures."""

from __future__ import annotations

from pathlib import Path

from benchmarks.capacity.gave_out import gave_out, is_in_time
from benchmarks.capacity.orders import Report
from benchmarks.capacity.search import Answer
from benchmarks.capacity.steps import GENERATOR, OTHERS, Load, Machine, Step
from harness.arithmetic import exact_percentile
from harness.checkers import CHECKERS, delivery_delays_s, run_checker
from harness.history import History, read_histories
from harness.verdict import Judgement, Verdict

SAFE = ("no-loss", "no-duplicate", "order", "cursor", "no-phantom")
"""What must hold under any load."""
TIMELY = ("on-time", "available")
PROVEN = ("no-loss", *TIMELY)
"""What must be proven. Of the others it is enough that nothing broke them: they need more messages."""


def judged(pollers: int, report: Report, machine: Machine, history: Path) -> Step:
    """Return the step of a server whose history was recorded."""
    (recorded,) = read_histories(history)
    judgements = [run_checker(CHECKERS[name], recorded) for name in (*SAFE, *TIMELY)]
    why, is_unsafe = _why(judgements)
    delays_ms = [1000 * delay for delay in delivery_delays_s(recorded)]
    lost, late = _number(judgements[0], "lost"), _number(judgements[len(SAFE)], "late")
    return step(
        pollers,
        load_of(report),
        machine,
        why=why,
        is_unsafe=is_unsafe,
        sent=len(recorded.sends),
        lost=lost,
        late=late,
        delivery_p50_ms=_percentile(delays_ms, 50),
        delivery_p99_ms=_percentile(delays_ms, 99) if not _undelivered(recorded, judgements) else None,
    )


def step(
    pollers: int,
    load: Load,
    machine: Machine,
    *,
    why: str,
    is_unsafe: bool = False,
    sent: int = 0,
    lost: int = 0,
    late: int = 0,
    delivery_p50_ms: float | None = None,
    delivery_p99_ms: float | None = None,
) -> Step:
    """Return a step; `why` is what was not kept, '' if everything was."""
    if not why and not is_in_time(load):
        why = "the load generator was too slow"
    culprit = gave_out(load, machine) if why else ""
    return Step(
        pollers=pollers,
        answer=_answer(why, culprit, is_unsafe=is_unsafe),
        why=why,
        is_unsafe=is_unsafe,
        gave_out=culprit,
        sent=sent,
        lost=lost,
        late=late,
        delivery_p50_ms=delivery_p50_ms,
        delivery_p99_ms=delivery_p99_ms,
        load=load,
        machine=machine,
    )


def _answer(why: str, culprit: str, *, is_unsafe: bool) -> Answer:
    if not why:
        return Answer.CARRIED
    return Answer.UNKNOWN if culprit in (GENERATOR, OTHERS) and not is_unsafe else Answer.BROKEN


def load_of(report: Report) -> Load:
    """Return the load that a report describes."""
    return Load(
        polls_per_s=round(report.polls / report.seconds, 1),
        sends_per_s=round(report.acked / report.seconds, 2),
        missed_arrivals=report.missed,
        arrivals=report.polls + report.sends,
        lag_p99_ms=report.lag_p99_ms,
        failed_requests=report.failed,
        poll_p50_ms=report.poll_p50_ms,
        poll_p99_ms=report.poll_p99_ms,
        send_p99_ms=report.send_p99_ms,
    )


def _why(judgements: list[Judgement]) -> tuple[str, bool]:
    """Return what was not kept, or not proven; and whether it must be kept under any load."""
    failed = [one for one in judgements if one.verdict is Verdict.FAIL]
    open_ = [one for one in judgements if one.verdict is Verdict.INCONCLUSIVE and one.promise in PROVEN]
    wrong = failed or open_
    if not wrong:
        return "", False
    also = f"; {', '.join(one.promise for one in wrong[1:])} as well" if wrong[1:] else ""
    is_unsafe = any(one.promise in SAFE for one in failed)
    return f"{wrong[0].promise}: {wrong[0].reason.rstrip('.')}{also}", is_unsafe


def _undelivered(history: History, judgements: list[Judgement]) -> bool:
    return bool(_number(judgements[0], "lost") or _number(judgements[len(SAFE)], "undelivered"))


def _number(judgement: Judgement, name: str) -> int:
    return int(judgement.evidence.get(name, 0))


def _percentile(values: list[float], q: float) -> float | None:
    return round(exact_percentile(values, q), 1) if values else None
