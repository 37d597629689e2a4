"""Shrinking a case of chaos that fails: the fewest and shortest faults, users and workers that still fail.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) over the
faults, then one simplification after the other until none of them fails any more. Pure: what a case does is
asked of a function.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as replace_record

from harness.chaos.schedule import CLOCK, Outage, Planned
from harness.chaos.schedule_file import Case, as_text

Fails = Callable[[Case, str], bool]
"""Whether a case, with a few words on what is smaller about it, fails in the same way as the first one."""


class OutOfTime(Exception):
    """There is no time for another case; what is the smallest so far remains."""


def shrink(case: Case, fails: Fails, *, likely: Sequence[Outage] = ()) -> Case | None:
    """Return the smallest failing case that was found; None if no case failed, not even the whole one.

    `likely` are the outages that probably made it fail; each is tried first, alone: the whole case takes
    longest, and does not need to fail again where a part of it does.
    """
    shrinking = _Shrinking(case, fails)
    with contextlib.suppress(OutOfTime):
        shrinking.run(likely)
    return shrinking.smallest if shrinking.has_failed else None


@dataclass
class _Shrinking:
    smallest: Case
    fails: Fails
    has_failed: bool = False
    tried: set[str] = field(default_factory=set)

    def run(self, likely: Sequence[Outage]) -> None:
        self._guess(likely)
        if not self.has_failed and not self._try(self.smallest, "the whole schedule"):
            return
        self._take_faults_away()
        if self._simplify():
            self._take_faults_away()

    def _try(self, case: Case, what: str) -> bool:
        as_file = as_text(case)
        if as_file in self.tried:
            return False
        self.tried.add(as_file)
        if not self.fails(case, what):
            return False
        self.smallest, self.has_failed = case, True
        return True

    def _guess(self, likely: Sequence[Outage]) -> None:
        """Try no fault at all, then each likely outage: the last fault of it, then all that overlap it."""
        whole = self.smallest
        if self._try(_without_all_but(whole, []), "no fault at all"):
            return
        for outage in likely:
            if len(outage) > 1 and self._try(_without_all_but(whole, outage[-1:]), _named(outage[-1:])):
                return
            if self._try(_without_all_but(whole, outage), _named(outage)):
                return

    def _take_faults_away(self) -> None:
        """Try every half, quarter and so on of the faults, and what is left without it."""
        parts = 2
        while (faults := self.smallest.schedule.faults) and len(faults) > 1:
            parts = min(parts, len(faults))
            chunks = _chunks(faults, parts)
            if self._try_any(chunks):
                parts = 2
            elif parts > 2 and self._try_any([_others(faults, chunk) for chunk in chunks]):
                parts -= 1
            elif parts == len(faults):
                return
            else:
                parts *= 2

    def _try_any(self, choices: Sequence[Sequence[Planned]]) -> bool:
        case = self.smallest
        return any(self._try(_without_all_but(case, kept), _named(kept)) for kept in choices)

    def _simplify(self) -> bool:
        """Make one thing after the other simpler; return whether anything is."""
        before, asked = self.smallest, set[str]()
        while todo := next((it for it in _simpler(self.smallest) if it[0] not in asked), None):
            what, case = todo
            asked.add(what)
            self._try(case, what)
        return self.smallest != before


def _chunks(faults: Sequence[Planned], parts: int) -> list[Sequence[Planned]]:
    ends = [len(faults) * part // parts for part in range(parts + 1)]
    return [faults[begin:end] for begin, end in itertools.pairwise(ends)]


def _others(faults: Sequence[Planned], without: Sequence[Planned]) -> list[Planned]:
    left_out = {id(fault) for fault in without}
    return [fault for fault in faults if id(fault) not in left_out]


def _without_all_but(case: Case, kept: Sequence[Planned]) -> Case:
    """Return the case with these faults alone; what comes after a gap comes earlier."""
    schedule, stay = case.schedule, {id(fault) for fault in kept}
    outages = ([fault for fault in outage if id(fault) in stay] for outage in schedule.outages)
    return replace(case, schedule=schedule.with_outages(outages))


def _named(faults: Sequence[Planned]) -> str:
    return ", ".join(fault.kind.full_name for fault in faults)


def _simpler(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield cases with one thing simpler, what saves most first."""
    schedule, traffic = case.schedule, case.schedule.traffic
    for at, outage in enumerate(schedule.outages):
        for what, simpler in _simpler_outages(outage):
            outages = (*schedule.outages[:at], simpler, *schedule.outages[at + 1 :])
            yield what, replace(case, schedule=schedule.with_outages(outages))
    for what, fewer in (
        ("without second browsers", replace_record(traffic, varied=False)),
        ("without retries", replace_record(traffic, retrying=False)),
        *((f"{pairs} senders", replace_record(traffic, pairs=pairs)) for pairs in _fewer(traffic.pairs)),
    ):
        if fewer != traffic:
            yield what, replace(case, schedule=replace(schedule, traffic=fewer))
    if schedule.with_clocks and all(fault.kind.store != CLOCK for fault in schedule.faults):
        yield "one instance of the server", replace(case, schedule=replace(schedule, with_clocks=False))
    for workers in _fewer(case.workers or 1):
        yield f"{workers} workers", replace(case, workers=workers)


def _fewer(count: int) -> Iterator[int]:
    """Yield 1 and half of the count."""
    if count > 1:
        yield 1
    if count > 3:
        yield count // 2


def _simpler_outages(outage: Outage) -> Iterator[tuple[str, Outage]]:
    """Yield the outage with one fault that is shorter, or that begins with the first one."""
    for at, fault in enumerate(outage):
        shortest_s = min(fault.kind.lasts_s[0], fault.lasts_s)
        for lasts_s in (shortest_s, round((shortest_s + fault.lasts_s) / 2, 1)):
            if lasts_s < fault.lasts_s:
                yield f"{fault.kind.full_name} for {lasts_s:g} s", _with(outage, at, lasts_s=lasts_s)
        if fault.at_s > outage[0].at_s:
            yield f"{fault.kind.full_name} at once", _with(outage, at, at_s=outage[0].at_s)


def _with(outage: Outage, at: int, **changed: float) -> Outage:
    return tuple(
        replace(fault, **changed) if index == at else fault  # type: ignore[arg-type]  # all are floats
        for index, fault in enumerate(outage)
    )
