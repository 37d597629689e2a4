"""The results of a load test, judged and written like those of a run of the plan, with two rows.

One is about all messages, which are counted and timed, one about the recorded mailboxes, which the harness's
checkers judge. `load.json` has the figures alone.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from harness.errors import CannotWrite
from harness.history import Bounds, HistoryFile
from harness.history.recorder import REMEDY
from harness.plan import PlanRow
from harness.reports import terminal
from harness.reports.files import write_atomically
from harness.reports.record import RunRecord
from harness.runner.folder import HISTORY, held, new_run
from harness.runner.results import Results
from harness.runner.session import Settings
from harness.targets.profile import Profile
from harness.verdict import Verdict
from loadtests.recording import COUNTED, RECORDED, merge
from loadtests.verdicts import Totals, table

LOAD = "load.json"
PART = ".part-"
SECTION = "load"
_TITLES = {
    COUNTED: "All messages, counted and timed",
    RECORDED: "The recorded mailboxes, judged by every promise",
}


_ROWS = [PlanRow(row, SECTION, title, "", "", 0) for row, title in _TITLES.items()]
PROMISES = ("no-loss", "no-duplicate", "order", "cursor", "no-phantom", "on-time", "available")
"""By which the recorded mailboxes are judged."""
SHOWN = ("messages", "delivered", "missing", "late", "delivery_p50_ms", "delivery_p99_ms")
"""What the report shows of the figures of all messages."""


def _asked(seed: int) -> str:
    """Return the command that repeats this test."""
    words = ["locust", *sys.argv[1:]]
    return shlex.join(words if "--seed" in words else [*words, "--seed", str(seed)])


class Folder:
    """The folder of the results, which no other run may use. Raise UsageError, CannotWrite."""

    def __init__(self, options: Namespace, profile: Profile) -> None:
        self._profile = profile
        self.path = Path(options.reports)
        self._open = contextlib.ExitStack()
        self._settings = Settings(
            profile,
            options.seed,
            self.path,
            workers=profile.workers,
            run=new_run(),
            asked=_asked(options.seed),
        )
        self._open.enter_context(held(self.path, self._settings.run))
        for old in (self.path / LOAD, *self.path.glob(f"{PART}*")):
            old.unlink(missing_ok=True)
        self._file = self._open.enter_context(HistoryFile(self.path / HISTORY))
        self._lines = self._open.enter_context((self.path / HISTORY).open("ab", buffering=0))
        self._parts: dict[str, Any] = {}
        self._failure: CannotWrite | None = None

    def begin(self, *, clock_error_s: float) -> None:
        """Begin the history of a test."""
        self._results = Results(_ROWS, self._settings)
        self.recorder = self._file.recorder(
            row=RECORDED,
            title=_TITLES[RECORDED],
            seed=self._settings.seed,
            bounds=wider(self._profile.bounds, 2 * clock_error_s),
            policy=self._profile.policy,
            semantics=self._profile.semantics,
        )

    def write(self, line: bytes) -> None:
        """Write one line of this process's own history; what cannot be written is said once, at the end."""
        if self._failure is not None:
            return
        try:
            self._lines.write(line)
        except OSError as error:
            self._failure = CannotWrite(self.path / HISTORY, error, remedy=REMEDY)

    def write_of(self, worker: str, lines: bytes) -> None:
        """Write lines of a worker's history."""
        if worker not in self._parts:
            path = self.path / f"{PART}{len(self._parts)}"
            self._parts[worker] = self._open.enter_context(path.open("wb"))
        self._parts[worker].write(lines)

    def close(self) -> None:
        """Let other runs use the folder."""
        self._open.close()

    def judge(self, totals: Totals, *, was_drained: bool, about: dict[str, Any]) -> RunRecord:
        """Write everything, with `about` in `load.json`; return the record of the run. Raise CannotWrite."""
        if self._failure is not None:
            raise self._failure
        try:
            self._merge()
            self._end_history(totals, was_drained=was_drained)
            record = self._results.write()
            document = {
                "verdict": record.verdict.value,
                "reason": reason_of(record),
                **about,
                **totals.measured(),
            }
            write_atomically(self.path / LOAD, json.dumps(document, indent=1) + "\n")
        except OSError as error:
            raise CannotWrite(self.path, error, remedy=REMEDY) from error
        print(table(totals.measured(), totals.floor))  # noqa: T201  the result of the run
        terminal.show_run(record, Console(highlight=False, markup=False, emoji=False))
        return record

    def _merge(self) -> None:
        for part in self._parts.values():
            part.flush()
        merge(self.path / HISTORY, [Path(part.name) for part in self._parts.values()])

    def _end_history(self, totals: Totals, *, was_drained: bool) -> None:
        """Record how the test ended, in the file that the parts were merged into."""
        verdict, reason = totals.verdict()
        begin_ns = self.recorder.events[0]["t"]
        with HistoryFile(self.path / HISTORY) as file:
            if was_drained:
                file.record("drained", row=RECORDED)
            file.record("judging", row=RECORDED, promises=judged_promises(totals))
            file.record("phase", **_phase(RECORDED, begin_ns, judged=1), seconds=round(totals.seconds, 3))
            measured = {name: value for name, value in totals.measured().items() if name in SHOWN}
            counted = {"verdict": verdict, "reason": reason, "measured": measured}
            file.record("phase", **_phase(COUNTED, None) | counted, seconds=round(totals.seconds, 3))


def wider(bounds: Bounds, by_s: float) -> Bounds:
    """Return the bounds by which recorded mailboxes are judged: within the clocks' error nothing is late."""
    return replace(bounds, delivered_within_s=bounds.delivered_within_s + by_s)


def judged_promises(totals: Totals) -> list[str]:
    """Return by which promises the recorded mailboxes can be judged."""
    promises = [*PROMISES, *(["recovers"] if totals.about.is_broken_on_purpose else [])]
    # What a lost worker sent last, or was answered last, is not recorded.
    left_out = {"no-phantom", "available"} if totals.about.lost_workers else set()
    left_out |= {"on-time", "available"} if totals.is_overloaded else set()
    return [promise for promise in promises if promise not in left_out]


def _phase(row: str, begin_ns: int | None, *, judged: int = 0) -> dict[str, Any]:
    """Return the end of a row, as the harness records the end of a test."""
    return {
        "rows": [row],
        "tests": {row: 1},
        "when": "teardown",
        "begin": begin_ns,
        "verdict": Verdict.PASS,
        "reason": "",
        "judged": judged,
        "ended": True,
    }


def reason_of(record: RunRecord) -> str:
    """Return why a run did not pass; '' if it did."""
    return "; ".join(f"{row.id}: {row.reason}" for row in record.rows if row.reason)
