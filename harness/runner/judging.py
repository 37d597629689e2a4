"""Judging a recorded run by its history file alone: at its end, and whenever `check` is run.

The file says which promises were judged when, and how each phase of each test ended (see `harness.history`).
A test that never ended was cut off; what it recorded is judged by every promise that applies. That can fail
its row, but never pass it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.arithmetic import exact_percentile
from harness.checkers import CHECKERS, applying_to, delivery_delays_s, run_checker
from harness.history import Event, History, read_lines
from harness.history.gc_paused import gc_paused
from harness.history.operations import Line, kind_of, row_of, written_ns
from harness.reports.record import Timeline
from harness.reports.words import INTERRUPTED
from harness.runner.timelines import Judged, drawn, timelines
from harness.verdict import Judgement, Verdict, summed_up, worst

NOTHING_RAN = "nothing ran this row"


@dataclass(frozen=True)
class JudgedRow:
    """One row, judged by its history; see `RowResult`."""

    id: str
    verdict: Verdict
    reason: str
    judgements: tuple[Judgement, ...] = ()
    seconds: float = 0.0
    measured: Mapping[str, Any] = field(default_factory=dict)
    latencies_s: Sequence[float] = ()
    screenshots: Mapping[str, str] = field(default_factory=dict)
    timelines: tuple[Timeline, ...] = ()


Histories = Mapping[str, Sequence[History]]
"""The histories of each row's timelines, by its id."""


@dataclass(frozen=True)
class JudgedRun:
    """A whole run, judged by its history."""

    rows: Sequence[JudgedRow]
    verdict: Verdict
    environment: Mapping[str, Mapping[str, str]]
    """The services that were used, by name: their `version` and their `origin`."""
    histories: Histories = field(default_factory=dict)
    """Where timelines were worked out."""


@dataclass
class Scenario:
    """One test's history, from its `begin` on."""

    rows: Sequence[str]
    lines: list[Line]

    @property
    def begin_ns(self) -> int:
        """When it began."""
        return written_ns(self.lines[0])

    @cached_property
    def history(self) -> History:
        """Everything that was recorded, also after the last `judging`."""
        return History.from_events(self.lines)

    @cached_property
    def judged(self) -> list[list[Judgement]]:
        """The judgements at each `judging` event."""
        places = [place for place, line in enumerate(self.lines) if kind_of(line) == "judging"]
        return [_judge(self._until(place), self.lines[place]) for place in places]

    def _until(self, place: int) -> History:
        """Return what was recorded up to this line; nothing is worked out twice if it is the last one."""
        return self.history if place + 1 == len(self.lines) else History.from_events(self.lines[: place + 1])

    @cached_property
    def cut_off(self) -> list[Judgement]:
        """The judgements where the test never ended."""
        if self.judged:
            return [judgement for some in self.judged for judgement in some]
        return [run_checker(CHECKERS[name], self.history) for name in applying_to(self.history)]


@dataclass
class _File:
    scenarios: list[Scenario] = field(default_factory=list)
    phases: list[Event] = field(default_factory=list)
    over: Event | None = None
    environment: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def begin_ns(self) -> int:
        """When the first scenario began."""
        return min((one.begin_ns for one in self.scenarios), default=0)

    def of(self, phase: Event) -> Scenario | None:
        """Return the scenario that a phase belongs to, if its test recorded one."""
        return next((one for one in self.scenarios if one.begin_ns == phase["begin"]), None)


def judge(path: Path, *, draws: bool = False) -> JudgedRun:
    """Judge every row of a run's history file, and the whole; with `draws`, work out the timelines, too.

    Raise OSError when the file cannot be read, ValueError when it is not a history.
    """
    with gc_paused():
        return _judged(_read(path), draws)


def _judged(file: _File, draws: bool) -> JudgedRun:
    histories = {id_: [history for history, _ in _drawn(file, id_)] for id_ in _ids(file)} if draws else {}
    rows = [_row(file, id_, draws) for id_ in _ids(file)]
    missing = file.over["missing"] if file.over else ()
    rows += [JudgedRow(id_, Verdict.INCONCLUSIVE, NOTHING_RAN) for id_ in missing]
    finished = file.over is not None and file.over["finished"]
    unfinished = () if finished else (Verdict.INCONCLUSIVE,)
    return JudgedRun(rows, worst([*(row.verdict for row in rows), *unfinished]), file.environment, histories)


def _cut_off_verdict(judgements: Sequence[Judgement]) -> tuple[Verdict, str]:
    """Return the verdict of a row that was cut off: fail if it shows a violation, else inconclusive."""
    verdict, reason = summed_up(judgements)
    return (verdict, reason) if verdict is Verdict.FAIL else (Verdict.INCONCLUSIVE, INTERRUPTED)


def _read(path: Path) -> _File:
    file = _File()
    latest: dict[str, Scenario] = {}
    for line in read_lines(path):
        kind, row = kind_of(line), row_of(line)
        if kind == "begin":
            latest[row] = Scenario(row.split(", "), [line])
            file.scenarios.append(latest[row])
        elif kind == "phase" and isinstance(line, Mapping):
            file.phases.append(line)
        elif kind == "environment" and isinstance(line, Mapping):
            file.environment |= line["found"]
        elif kind == "over" and isinstance(line, Mapping):
            file.over = line
            break  # other processes of an interrupted run may go on for a moment
        elif row in latest:
            latest[row].lines.append(line)
        else:
            raise ValueError(f"{path}: an event of {row!r} comes before its 'begin'")
    file.phases.sort(key=lambda phase: int(phase["t"]))
    for phase in file.phases:
        if scenario := file.of(phase):
            scenario.rows = phase["rows"]
    return file


def _drawn(file: _File, id_: str) -> list[Judged]:
    """Return the scenarios of a row that have a timeline, those that ended before one that was cut off."""
    ended = [phase for phase in file.phases if id_ in phase["rows"] and phase["ended"]]
    scenarios = [
        (scenario.history, [judgement for some in scenario.judged for judgement in some])
        for phase in ended
        if (scenario := file.of(phase))
    ]
    scenarios += [(one.history, one.cut_off) for one in _cut_off(file) if id_ in one.rows]
    return drawn(scenarios)


def _ids(file: _File) -> list[str]:
    ended = [row for phase in file.phases for row in phase["rows"]]
    return list(dict.fromkeys([*ended, *(row for one in file.scenarios for row in one.rows)]))


def _row(file: _File, id_: str, draws: bool) -> JudgedRow:
    phases = [phase for phase in file.phases if id_ in phase["rows"]]
    parts = [_part(file, phase) for phase in phases]
    ended = [phase for phase in phases if phase["ended"]]
    judgements = [
        judgement
        for phase in ended
        if (scenario := file.of(phase))
        for some in scenario.judged
        for judgement in some
    ]
    if len(ended) < max((phase["tests"][id_] for phase in phases), default=1):
        cut_off = [j for one in _cut_off(file) if id_ in one.rows for j in one.cut_off]
        parts.append(_cut_off_verdict(cut_off))
        judgements += cut_off
    reasons = dict.fromkeys(reason for _, reason in parts if reason)
    scenarios = [scenario for phase in ended if (scenario := file.of(phase))]
    histories = [scenario.history for scenario in scenarios]
    latencies_s = [round(it, 6) for history in histories for it in delivery_delays_s(history)]
    return JudgedRow(
        id_,
        worst(verdict for verdict, _ in parts),
        "; ".join(reasons),
        tuple(judgements),
        seconds=round(sum(phase.get("seconds", 0.0) for phase in phases), 3),
        measured=measured(histories, latencies_s)
        | {name: value for phase in ended for name, value in phase.get("measured", {}).items()},
        latencies_s=latencies_s,
        screenshots={file: title for phase in ended for file, title in phase.get("screenshots", {}).items()},
        timelines=tuple(timelines(file.begin_ns, _drawn(file, id_))) if draws else (),
    )


def measured(histories: Sequence[History], latencies_s: Sequence[float]) -> dict[str, Any]:
    """Return what is measured of every row that recorded anything; a name ends in its unit."""
    if not histories:
        return {}
    counts = {"sent": sum(len(history.sends) for history in histories), **_read_of(histories)}
    if not latencies_s:
        return counts
    return counts | {
        f"delivery_{name}_s": round(exact_percentile(latencies_s, q), 3)
        for name, q in (("p50", 50), ("max", 100))
    }


def _read_of(histories: Sequence[History]) -> dict[str, int]:
    """Return how many messages the harness received; where a client was judged, how many that one showed."""
    if any(history.client for history in histories):
        shown = {one.id for history in histories for one in history.handed}
        polls_of_clients = sum(request.is_poll for history in histories for request in history.requests)
        return {"shown": len(shown), "polls": polls_of_clients}
    polls = [poll for history in histories for poll in history.polls]
    received = {message.id for poll in polls for message in poll.messages}
    return {"received": len(received), "polls": len(polls)}


def _part(file: _File, phase: Event) -> tuple[Verdict, str]:
    """Return how a phase ended; where a check ended it, by what that check finds now."""
    scenario = file.of(phase)
    if phase["judged"] and scenario is not None:
        # Files from before version 1 only say that a judging did.
        ended_by = -1 if phase["judged"] is True else phase["judged"] - 1
        return summed_up(scenario.judged[ended_by])
    return Verdict(phase["verdict"]), str(phase["reason"])


def _cut_off(file: _File) -> Iterator[Scenario]:
    ended = {phase["begin"] for phase in file.phases if phase["ended"]}
    return (one for one in file.scenarios if one.begin_ns not in ended)


def _judge(history: History, judging: Line) -> list[Judgement]:
    promises = judging["promises"] if isinstance(judging, Mapping) else ()
    return [_judgement(promise, history) for promise in promises]


def _judgement(promise: str, history: History) -> Judgement:
    checker = CHECKERS.get(promise)
    if checker is None:
        return Judgement(
            promise, Verdict.INCONCLUSIVE, f"no checker of the promise '{promise}' is known here"
        )
    return run_checker(checker, history)
