"""How each row ended, for the progress of a run; and at its end, the reports.

Scenarios may run in several processes. Each phase of a test leaves a `Part`, which travels as JSON with
pytest's own report to the one process that collects them. Verdicts come from the history alone: see
`harness.runner.judging`.
"""

from __future__ import annotations

import platform
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.checkers import CLIENT_PROMISES, PROMISES
from harness.errors import CannotWrite
from harness.history import Event, HistoryFile
from harness.history.recorder import REMEDY
from harness.interrupts import INTERRUPTED
from harness.plan import PlanRow
from harness.program import PROGRAM
from harness.reports.fate_plot import Place
from harness.reports.html import write_html
from harness.reports.markdown import SUMMARY, write_summary
from harness.reports.message_stories import EventsOf
from harness.reports.record import RowResult, RunRecord, write_results
from harness.reports.verdicts import VERDICTS, write_verdicts
from harness.runner.folder import HISTORY
from harness.runner.judging import Histories, JudgedRow, judge
from harness.runner.message_events import message_events
from harness.runner.repeating import repeats
from harness.runner.session import Settings
from harness.verdict import EXIT_CODES, Judgement, Verdict, worst


@dataclass(frozen=True)
class Part:
    """What one phase of one test says of its row; `tests` is how many tests run the row."""

    row: str
    verdict: Verdict
    seconds: float
    ended: bool = False
    tests: int = 1
    stopped: str = ""
    """Why the run cannot go on, for the user."""
    stopped_with: int = 0
    """The exit code of a run that cannot go on."""
    reason: str = ""
    broken: tuple[Judgement, ...] = ()
    """The promises that were found broken, each with its first finding."""


@dataclass(frozen=True)
class Ended:
    """A row all of whose tests have ended."""

    id: str
    title: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    broken: tuple[Judgement, ...] = ()


def to_json(parts: Sequence[Part]) -> str:
    """Return the parts as they travel between processes."""
    return msgspec.json.encode(parts, enc_hook=str).decode()


def from_json(text: str) -> list[Part]:
    """Return the parts that `to_json` wrote."""
    return msgspec.json.decode(text, type=list[Part])


class Results:
    """Collects the rows of a run; `rows` are the plan's, for their titles, sections and order."""

    def __init__(self, rows: Sequence[PlanRow], settings: Settings) -> None:
        self._plan: Mapping[str, PlanRow] = {row.id: row for row in rows}
        self._settings = settings
        self._started_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._parts: dict[str, list[Part]] = {}
        self._ended: list[str] = []
        self._missing: list[str] = []
        self.interrupted = False
        """Whether something kept rows from being run."""
        self.by_signal = False
        """Whether that was Ctrl-C or another signal."""

    @property
    def stopped(self) -> str:
        """Why the run could not go on, with a program's last lines on further lines; else ''."""
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
        """Take what one phase of one of a row's tests says."""
        self._parts.setdefault(part.row, []).append(part)
        if part.ended and self._is_complete(part.row):
            self._ended.append(part.row)

    def take_missing(self, rows: Iterable[str]) -> None:
        """Take those of these rows that nothing ran."""
        self._missing = [row for row in rows if row not in self._parts]
        self._ended += self._missing

    def newly_ended(self) -> list[Ended]:
        """Return the rows that ended since the last call."""
        ended, self._ended = self._ended, []
        return [self._how_it_ended(row) for row in ended]

    def _how_it_ended(self, row: str) -> Ended:
        parts = self._parts.get(row, [])
        seconds = round(sum(part.seconds for part in parts), 3)
        verdict = worst(part.verdict for part in parts)
        reasons = dict.fromkeys(part.reason for part in parts if part.verdict is verdict and part.reason)
        broken = tuple(one for part in parts for one in part.broken)
        return Ended(row, title(self._plan, row), verdict, seconds, "; ".join(reasons), broken)

    def command_of(self, row: str) -> str:
        """Return the command that repeats a row; '' for a client, whose profile is not known here."""
        command = _command(self._settings)
        return f"{command} --only {shlex.quote(row)}" if command else ""

    def _is_complete(self, row: str) -> bool:
        """Return whether every test of the row has ended."""
        parts = self._parts.get(row, [])
        return sum(part.ended for part in parts) >= max((part.tests for part in parts), default=1)

    def write(self) -> RunRecord:
        """Write the results, the verdicts, the report and the summary; return the record they were made from.

        Raise CannotWrite, and ValueError where the history cannot be read again.
        """
        settings = self._settings
        finished = not (self.stopped or self.interrupted)
        run = judge(self._close_history(finished), draws=True)
        rows = tuple(self._with_repeats(self._in_order(run.rows), run.histories))
        record = RunRecord(
            verdict=run.verdict,
            exit_code=INTERRUPTED if self.by_signal else EXIT_CODES[run.verdict],
            interrupted=self.by_signal,
            seed=settings.seed,
            started_at=self._started_at.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._began, 3),
            rows=rows,
            environment=_this_machine() | dict(run.environment),
            target=_target(settings),
            delivered_within_s=settings.profile.bounds.delivered_within_s,
            command=_command(settings),
            asked=settings.asked,
            sentences={promise.name: promise.sentence for promise in (*PROMISES, *CLIENT_PROMISES)},
        )
        try:
            write_results(record, settings.reports / "results.json")
            write_verdicts(rows, run.verdict, settings.reports / VERDICTS)
            write_html(record, settings.reports / "report.html", _events_of(record, run.histories))
            write_summary(record, settings.reports / SUMMARY)
        except OSError as error:
            raise CannotWrite(settings.reports, error, remedy=REMEDY) from error
        return record

    def _close_history(self, finished: bool) -> Path:
        """End the history with how the run ended."""
        path = self._settings.reports / HISTORY
        with HistoryFile(path) as file:
            file.record("over", finished=finished, missing=self._missing)
        return path

    def _with_repeats(self, rows: Iterable[RowResult], histories: Histories) -> Iterator[RowResult]:
        """Yield the rows, those that failed with how their findings can be repeated."""
        for row in rows:
            known = histories.get(row.id, ())
            has_script = row.verdict is Verdict.FAIL and not self._settings.client
            yield replace(row, repeats=repeats(row, known, self._settings.profile)) if has_script else row

    def _in_order(self, judged: Iterable[JudgedRow]) -> Iterator[RowResult]:
        """Yield every row, in the plan's order."""
        order = {row: index for index, row in enumerate(self._plan)}
        for row in sorted(judged, key=lambda row: order.get(row.id, len(order))):
            section = self._plan[row.id].section if row.id in self._plan else ""
            yield RowResult(**{**vars(row), "title": title(self._plan, row.id), "section": section})


def _events_of(run: RunRecord, histories: Histories) -> EventsOf:
    """Return what finds the events of a message of a run's timelines."""
    rows = {row.id: row for row in run.rows}

    def events_of(place: Place) -> tuple[Event, ...]:
        op = rows[place.row].timelines[place.scenario].ops[place.message]
        return message_events(histories[place.row][place.scenario], op)

    return events_of


def _target(settings: Settings) -> str:
    server = f"{settings.profile.name}, {settings.workers} workers"
    return f"{settings.client.name}, at the server {server}" if settings.client else server


def _command(settings: Settings) -> str:
    """Return the command that repeats single rows; '' where `run` does not know them."""
    words = [*PROGRAM.split(), "run", "--seed", str(settings.seed)]
    if settings.target != "reference":
        words += ["--target", settings.target]
    if settings.workers != settings.profile.workers:
        words += ["--workers", str(settings.workers)]
    is_of_run = not settings.asked or re.match(r".*?(harness|pollproof) (run|soak) ", settings.asked)
    return shlex.join(words) if is_of_run and not settings.client else ""


def _this_machine() -> dict[str, Mapping[str, str]]:
    return {
        "python": {"version": platform.python_version(), "origin": "this interpreter"},
        "platform": {"version": platform.platform(terse=True), "origin": "this machine"},
    }


def title(plan: Mapping[str, PlanRow], row: str) -> str:
    """Return a row's title in the plan; its id where the plan does not have it."""
    return plan[row].title if row in plan else row
