"""How far a run is: which rows run, how many have ended and how, what is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cli import time_left
from harness.cli.following import NS_PER_S, Following, RunningRow
from harness.cli.frame import Now
from harness.plan import PlanRow
from harness.plan.drift import function_of
from harness.verdict import Verdict

WORDS = {
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.SKIPPED: "skipped",
    Verdict.PASS: "passed",
}


class Watching:
    """Watches the rows of one run of pytest; `took_s` is how long they took before, where that is known."""

    def __init__(
        self, rows: Sequence[PlanRow], history: Path, *, took_s: Mapping[str, float], at_once: int = 1
    ) -> None:
        self._rows = [row.id for row in rows]
        self._titles = {row.id: row.title for row in rows}
        self._run_by = {test: row.id for row in rows for test in row.tests}
        self._following = Following(history, self._titles)
        self._took_s = {row: took_s[row] for row in self._rows if row in took_s}
        self._at_once = at_once
        self._tests: dict[str, RunningRow] = {}
        """Rows that are run by tests, which record no history, by the test that runs."""
        self._ended: dict[str, Verdict] = {}
        self.is_interrupted = False

    def test_begins(self, node: str) -> None:
        """Note that a test has begun."""
        if (row := self._run_by.get(function_of(node))) is not None:
            self._tests[node] = RunningRow(row, self._titles[row], time.monotonic_ns())

    def test_ended(self, node: str) -> None:
        """Note that a test has ended."""
        self._tests.pop(node, None)

    def row_ended(self, row: str, verdict: Verdict, seconds: float) -> None:
        """Note how a row ended."""
        self._ended[row] = verdict
        if seconds > 0:
            self._took_s[row] = seconds

    def look(self) -> Now:
        """Return how far the run is now."""
        recorded = [row for row in self._following.look() if row.id not in self._ended]
        known = {row.id for row in recorded}
        by_tests = {row.id: row for row in self._tests.values() if row.id not in known}
        running = [*recorded, *by_tests.values()]
        now_ns = time.monotonic_ns()
        return Now(now_ns, running, self._status(running, now_ns))

    def _status(self, running: Sequence[RunningRow], now_ns: int) -> list[str]:
        status = [f"{len(self._ended)} of {len(self._rows)} row{'s' * (len(self._rows) != 1)}"]
        counts = Counter(self._ended.values())
        status += [f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict]]
        if self.is_interrupted:
            return ["interrupted: ending what runs, and writing the results", *status]
        if len(self._ended) == len(self._rows):
            return [*status, "judging, and writing the report"]
        if not running and not self._following.has_services:
            return [*status, "starting services"]
        return [*status, *filter(None, [self._left(running, now_ns)])]

    def _left(self, running: Sequence[RunningRow], now_ns: int) -> str:
        running_s = {row.id: (now_ns - row.began_ns) / NS_PER_S for row in running}
        waiting = [row for row in self._rows if row not in running_s and row not in self._ended]
        seconds = time_left.left_s(self._took_s, running_s=running_s, waiting=waiting, at_once=self._at_once)
        return "" if seconds is None else time_left.said(seconds)
