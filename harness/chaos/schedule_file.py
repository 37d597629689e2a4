"""`schedule.json`: a schedule of faults with what else a run of it needs, to be played again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from msgspec import to_builtins

from harness.chaos.catalog import ChaosFault
from harness.chaos.schedule import CLOCK, ChaosTraffic, FaultSchedule, Outage, Planned
from harness.errors import UsageError, reason_of
from harness.reports.files import write_atomically
from harness.typed import Count, Moment, Record, Seconds, typed

SCHEDULE = "schedule.json"


class _Fault(Record, frozen=True):
    fault: str
    at_s: Moment
    lasts_s: Seconds
    parameters: Mapping[str, Any] = {}


class PlayedSchedule(Record, frozen=True):
    """The file. `seed` is the source of the traffic's choices, `workers` that of `--workers`."""

    format: Literal[1]
    seed: int
    target: str
    total_s: Seconds
    quiet_s: Moment
    with_clocks: bool
    outages: tuple[tuple[_Fault, ...], ...]
    workers: Count | None = None
    traffic: ChaosTraffic = ChaosTraffic()
    clusters: tuple[str, ...] = ()

    def schedule(self, kinds: Sequence[ChaosFault]) -> FaultSchedule:
        """Return the schedule. Raise ValueError for a fault that is unknown or cannot be as it is here."""
        outages = tuple(tuple(_planned(fault, kinds) for fault in outage) for outage in self.outages)
        _require_legal(outages, self.total_s, with_clocks=self.with_clocks)
        return FaultSchedule(
            outages, self.quiet_s, self.total_s, self.with_clocks, self.traffic, self.clusters
        )


@dataclass(frozen=True)
class Case:
    """A schedule and what a run of it needs."""

    schedule: FaultSchedule
    seed: int
    target: str
    workers: int | None = None


def read_schedule(path: Path) -> PlayedSchedule:
    """Return what the file has. Raise UsageError."""
    try:
        return typed(json.loads(path.read_text(encoding="utf-8")), PlayedSchedule)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The schedule {path} cannot be read: {reason_of(error)}.") from error


def case_of(path: Path, kinds: Sequence[ChaosFault]) -> Case:
    """Return the case of a file. Raise UsageError."""
    played = read_schedule(path)
    try:
        return Case(played.schedule(kinds), played.seed, played.target, played.workers)
    except ValueError as error:
        raise UsageError(f"The schedule {path} cannot be played: {error}.") from error


def write_schedule(case: Case, path: Path) -> None:
    """Write the file completely or not at all. Raise OSError."""
    write_atomically(path, as_text(case))


def as_text(case: Case) -> str:
    """Return what the file of a case has."""
    schedule = case.schedule
    document = PlayedSchedule(
        format=1,
        seed=case.seed,
        target=case.target,
        workers=case.workers,
        total_s=schedule.total_s,
        quiet_s=schedule.quiet_s,
        with_clocks=schedule.with_clocks,
        traffic=schedule.traffic,
        clusters=schedule.clusters,
        outages=tuple(tuple(map(_fault, outage)) for outage in schedule.outages),
    )
    return json.dumps(to_builtins(document), ensure_ascii=False, indent=1) + "\n"


def _fault(planned: Planned) -> _Fault:
    return _Fault(planned.kind.full_name, planned.at_s, planned.lasts_s, dict(planned.parameters))


def _planned(fault: _Fault, kinds: Iterable[ChaosFault]) -> Planned:
    known = {kind.full_name: kind for kind in kinds}
    if fault.fault not in known:
        raise ValueError(f"'{fault.fault}' is not a fault; known are {', '.join(known)}")
    kind = known[fault.fault]
    example = kind.draw(Random(0))
    if _shape(fault.parameters) != _shape(example):
        legal = json.dumps(example) if example else "none"
        raise ValueError(f"'{fault.fault}' has other parameters than such a fault, for example {legal}")
    return Planned(kind, fault.at_s, fault.lasts_s, fault.parameters)


def _shape(value: Any) -> Any:
    """Return what two sets of parameters of one kind of fault have in common."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else type(value)


def _require_legal(outages: Sequence[Outage], total_s: float, *, with_clocks: bool) -> None:
    """Raise ValueError for an order that cannot be played."""
    free_s = 0.0
    for outage in outages:
        if not outage:
            raise ValueError("an outage has no faults")
        if list(outage) != sorted(outage, key=lambda fault: fault.at_s) or outage[0].at_s < free_s:
            raise ValueError(f"'{outage[0].kind.full_name}' begins before an earlier fault or outage is over")
        for index, fault in enumerate(outage):
            if fault.kind.store == CLOCK and not with_clocks:
                raise ValueError(f"'{fault.kind.full_name}' needs with_clocks")
            for other in outage[:index]:
                if fault.at_s < other.ends_at_s and not fault.kind.stands_beside(other.kind):
                    raise ValueError(f"'{fault.kind.full_name}' and '{other.kind.full_name}' may not overlap")
        free_s = max(fault.ends_at_s for fault in outage)
    if free_s > total_s:
        raise ValueError(f"it ends after {total_s:g} s, before its last fault")
