"""What became of each row while a run goes on, and the record of it that the reports are made from.

Scenarios may run in several processes. Each phase of a test leaves a `Part`, which travels as JSON with
pytest's own report to the one process that collects them.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from harness.arithmetic import exact_percentile
from harness.checkers import delivery_delays_s
from harness.errors import CannotWrite
from harness.history import History, HistoryFile
from harness.history.recorder import REMEDY
from harness.plan import Row
from harness.reports import VERDICTS, RowResult, html, judgement_from, write_results, write_verdicts
from harness.reports import Run as RunRecord
from harness.run import Run
from harness.session.folder import HISTORY
from harness.session.rejudging import INTERRUPTED, NOTHING_RAN, Rejudged, rejudge
from harness.session.session import Settings
from harness.verdict import EXIT_CODES, Verdict, worst


@dataclass(frozen=True)
class Part:
    """What one phase of one test says of its row; `judgements` and all after it come with the last phase.

    `tests` is how many tests run the row.
    """

    row: str
    verdict: Verdict
    reason: str
    seconds: float
    at_ns: int = 0
    """When it ended, on the clock of the history."""
    ended: bool = False
    tests: int = 1
    stopped: str = ""
    """Why the run cannot go on: for whoever has to change something."""
    stopped_with: int = 0
    """The exit code of a run that cannot go on."""
    judgements: list[dict[str, Any]] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    environment: dict[str, dict[str, str]] = field(default_factory=dict)


def told_by(run: Run) -> dict[str, Any]:
    """A scenario's run as the last fields of its `Part`."""
    history = run.recorder.history()
    latencies_s = [round(latency_s, 6) for latency_s in delivery_delays_s(history)]
    return {
        "judgements": [judgement.as_dict() for judgement in run.judgements],
        "measured": _measured(history, latencies_s) | run.measured,
        "latencies_s": latencies_s,
    }


def to_json(parts: Sequence[Part]) -> str:
    """The parts as they travel between processes."""
    return json.dumps([asdict(part) for part in parts])


def from_json(text: str) -> list[Part]:
    """The parts that `to_json` wrote."""
    return [Part(**{**part, "verdict": Verdict(part["verdict"])}) for part in json.loads(text)]


class Results:
    """Collects the rows of a run; `rows` are the plan's, for their titles, sections and order."""

    def __init__(self, rows: Sequence[Row], settings: Settings) -> None:
        self._plan: Mapping[str, Row] = {row.id: row for row in rows}
        self._settings = settings
        self._started_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._parts: dict[str, list[Part]] = {}
        self._ended: list[str] = []
        self._missing: list[str] = []
        self.interrupted = False

    @property
    def stopped(self) -> str:
        """Why the run could not go on: a sentence for whoever has to change something; else ''."""
        return self._stop.stopped if self._stop else ""

    @property
    def stopped_with(self) -> int:
        """The exit code of a run that could not go on."""
        return self._stop.stopped_with if self._stop else 0

    @property
    def _stop(self) -> Part | None:
        parts = (part for parts in self._parts.values() for part in parts)
        return next((part for part in parts if part.stopped), None)

    def take(self, part: Part) -> None:
        """One phase of one of a row's tests is over."""
        self._parts.setdefault(part.row, []).append(part)
        if part.ended and self._is_complete(part.row):
            self._ended.append(part.row)

    def take_missing(self, rows: Iterable[str]) -> None:
        """Of these rows, those that nothing ran are undecided."""
        for row in rows:
            if row not in self._parts:
                self._missing.append(row)
                self.take(Part(row, Verdict.INCONCLUSIVE, NOTHING_RAN, 0.0, ended=True))

    def newly_ended(self) -> list[RowResult]:
        """The rows that ended since the last call."""
        ended, self._ended = self._ended, []
        return [self.result(row) for row in ended]

    def result(self, row: str) -> RowResult:
        """How the row stands; its verdict is the worst of its parts'."""
        parts = sorted(self._parts.get(row, ()), key=lambda part: part.at_ns)
        if not self._is_complete(row):
            parts.append(Part(row, Verdict.INCONCLUSIVE, INTERRUPTED, 0.0))
        return RowResult(
            id=row,
            title=title(self._plan, row),
            section=self._plan[row].section if row in self._plan else "",
            verdict=worst(part.verdict for part in parts),
            seconds=round(sum(part.seconds for part in parts), 3),
            reason="; ".join(dict.fromkeys(part.reason for part in parts if part.reason)),
            judgements=tuple(judgement_from(it) for part in parts for it in part.judgements),
            measured={name: value for part in parts for name, value in part.measured.items()},
            latencies_s=[latency_s for part in parts for latency_s in part.latencies_s],
        )

    def _is_complete(self, row: str) -> bool:
        """Whether every test of the row has ended."""
        parts = self._parts.get(row, [])
        return sum(part.ended for part in parts) >= max((part.tests for part in parts), default=1)

    def write(self) -> RunRecord:
        """Write `results.json`, `verdicts.json` and `report.html`; return the record they were made from.

        Raises CannotWrite, and ValueError where the history cannot be read again.
        """
        settings = self._settings
        finished = not (self.stopped or self.interrupted)
        rows = tuple(self._results(self._close_history(finished)))
        unfinished = [] if finished else [Verdict.INCONCLUSIVE]
        verdict = worst([*(row.verdict for row in rows), *unfinished])
        record = RunRecord(
            verdict=verdict,
            exit_code=EXIT_CODES[verdict],
            seed=settings.seed,
            started_at=self._started_at.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._began, 3),
            rows=rows,
            environment=self._environment(),
            target=f"{settings.profile.name}, {settings.workers} workers",
            delivered_within_s=settings.profile.bounds.delivered_within_s,
        )
        try:
            write_results(record, settings.reports / "results.json")
            write_verdicts(rows, verdict, settings.reports / VERDICTS)
            html.write_html(record, settings.reports / "report.html")
        except OSError as error:
            raise CannotWrite(settings.reports, error, remedy=REMEDY) from error
        return record

    def _close_history(self, finished: bool) -> dict[str, Rejudged]:
        """End the history with what became of the run; where that was cut off, judge by what is recorded."""
        path = self._settings.reports / HISTORY
        with HistoryFile(path) as file:
            file.record("over", finished=finished, missing=self._missing)
        if finished and all(map(self._is_complete, self._parts)):
            return {}
        return {one.id: one for one in rejudge(path)[0]}

    def _results(self, rejudged: Mapping[str, Rejudged]) -> Iterator[RowResult]:
        """Every row, in the plan's order."""
        order = {row: index for index, row in enumerate(self._plan)}
        rows = dict.fromkeys([*self._parts, *rejudged])
        for row in sorted(rows, key=lambda row: order.get(row, len(order))):
            result, known = self.result(row), rejudged.get(row)
            if known is not None:
                verdict, reason, judgements = known.verdict, known.reason, known.judgements
                result = replace(result, verdict=verdict, reason=reason, judgements=judgements)
            yield result

    def _environment(self) -> dict[str, dict[str, str]]:
        environment = {
            "python": {"version": platform.python_version(), "origin": "this interpreter"},
            "platform": {"version": platform.platform(terse=True), "origin": "this machine"},
        }
        for parts in self._parts.values():
            for part in parts:
                environment |= part.environment
        return environment


def title(plan: Mapping[str, Row], row: str) -> str:
    """A row's title in the plan; its id where the plan has none."""
    return plan[row].title if row in plan else row


def _measured(history: History, latencies_s: Sequence[float]) -> dict[str, Any]:
    """What every row can say of itself; a name ends in its unit."""
    counts = {
        "sent": len(history.sends),
        "received": len({message.id for poll in history.polls for message in poll.messages}),
        "polls": len(history.polls),
    }
    if not latencies_s:
        return counts
    return counts | {
        f"delivery_{name}_s": round(exact_percentile(latencies_s, q), 3)
        for name, q in (("p50", 50), ("max", 100))
    }
