"""What became of each row while a run goes on, and the record of it that the reports are made from."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.arithmetic import exact_percentile
from harness.checkers import delivery_delays_s
from harness.history import History
from harness.plan import Row
from harness.reports import RowResult, html, write_results
from harness.reports import Run as RunRecord
from harness.run import Run
from harness.session import Session
from harness.verdict import EXIT_CODES, Judgement, Verdict, worst


@dataclass
class _Row:
    ended: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
    judgements: list[Judgement] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)


class Results:
    """Collects the rows of a run; `rows` are the plan's, for their titles and sections."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._plan: Mapping[str, Row] = {row.id: row for row in rows}
        self._rows: dict[str, _Row] = {}
        self._ended: list[str] = []
        self.stopped = ""
        """Why the run could not go on: a sentence for whoever has to change something."""
        self.interrupted = False

    def title(self, row: str) -> str:
        """The row's title in the plan."""
        return self._plan[row].title if row in self._plan else row

    def add(self, row: str, verdict: Verdict, reason: str, *, seconds: float) -> None:
        """One phase of one of the row's tests ended so; a row's verdict is the worst of all."""
        result = self._rows.setdefault(row, _Row())
        result.verdicts.append(verdict)
        result.seconds += seconds
        if reason:
            result.reasons.append(reason)

    def end(self, row: str, run: Run | None) -> None:
        """One of the row's tests is over; keep what its run, if it came to one, judged and measured."""
        self._ended.append(row)
        result = self._rows[row]
        result.ended = True
        if run is None:
            return
        result.judgements += run.judgements
        history = run.recorder.history()
        result.latencies_s += delivery_delays_s(history)
        result.measured |= _measured(history, result.latencies_s) | run.measured

    def newly_ended(self) -> list[RowResult]:
        """The rows that ended since the last call."""
        ended, self._ended = self._ended, []
        return [self.result(row) for row in ended]

    def result(self, row: str) -> RowResult:
        """How the row stands."""
        it = self._rows[row]
        cut_off = [] if it.ended else [(Verdict.INCONCLUSIVE, "interrupted")]
        return RowResult(
            id=row,
            title=self.title(row),
            section=self._plan[row].section if row in self._plan else "",
            verdict=worst([*it.verdicts, *(verdict for verdict, _ in cut_off)]),
            seconds=round(it.seconds, 3),
            reason="; ".join([*it.reasons, *(reason for _, reason in cut_off)]),
            judgements=tuple(it.judgements),
            measured=it.measured,
            latencies_s=[round(latency_s, 6) for latency_s in it.latencies_s],
        )

    def write(self, session: Session) -> RunRecord:
        """Write `results.json` and `report.html`; return the record they were made from."""
        settings = session.settings
        rows = tuple(self.result(row) for row in self._rows)
        unfinished = [Verdict.INCONCLUSIVE] if self.stopped or self.interrupted else []
        verdict = worst([*(row.verdict for row in rows), *unfinished])
        record = RunRecord(
            verdict=verdict,
            exit_code=EXIT_CODES[verdict],
            seed=settings.seed,
            started_at=session.started_at.isoformat(timespec="seconds"),
            seconds=round(session.seconds, 3),
            rows=rows,
            environment={
                "python": {"version": platform.python_version(), "origin": "this interpreter"},
                "platform": {"version": platform.platform(terse=True), "origin": "this machine"},
                **session.environment(),
            },
            target=f"{settings.profile.name}, {settings.workers} workers",
            delivered_within_s=settings.profile.bounds.delivered_within_s,
        )
        write_results(record, settings.reports / "results.json")
        html.write_html(record, settings.reports / "report.html")
        return record


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
