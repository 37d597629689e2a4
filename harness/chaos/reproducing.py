"""What "fails in the same way" means, and counting how often a case does."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from harness.chaos.schedule import FaultSchedule, Outage
from harness.checkers.fault_windows import recovered_ns
from harness.errors import UsageError
from harness.history import read_histories
from harness.reports.record import RunRecord
from harness.verdict import Finding, Verdict

_DETAILS = re.compile(r"'[^']*'|\"[^\"]*\"|\w*\d\w*")
"""What differs from run to run in a sentence: names, ids, numbers."""


class Signature(NamedTuple):
    """A way to fail: the promise, the kind of finding, and its suspected cause; '' where there is none.

    Where the row itself expected something else, `promise` is '' and `kind` is its sentence without details.
    """

    promise: str
    kind: str
    cause: str = ""

    def __str__(self) -> str:
        return (
            " ".join(filter(None, (f"{self.promise}:", self.kind, f"({self.cause})" * bool(self.cause))))
            if self.promise
            else f"what the run expects ({self.kind})"
        )


def signatures(run: RunRecord) -> list[Signature]:
    """Return all ways in which a run failed, in the order of the promises; each once."""
    return list(dict.fromkeys(signature for signature, _ in _failures(run)))


def _failures(run: RunRecord) -> Iterator[tuple[Signature, Finding | None]]:
    for row in run.rows:
        failed = [it for it in row.judgements if it.verdict is Verdict.FAIL]
        for finding in (finding for judgement in failed for finding in judgement.findings):
            yield Signature(finding.promise, finding.kind, finding.suspected_cause), finding
        if row.verdict is Verdict.FAIL and not failed:
            yield Signature("", _DETAILS.sub("…", row.reason)), None


def signature_of(run: RunRecord, promise: str | None) -> Signature:
    """Return the first way in which a run failed, or that of a promise. Raise UsageError without any."""
    found = [it for it in signatures(run) if promise in (None, it.promise)]
    if not found:
        broken = ", ".join(dict.fromkeys(it.promise for it in signatures(run))) or "none"
        raise UsageError(f"The run did not break {promise}; the broken promises are: {broken}.")
    return found[0]


def suspects(run: RunRecord, history: Path, schedule: FaultSchedule, same: Signature) -> list[Outage]:
    """Return the outages that probably made the run fail, the likeliest first, by the events of the finding.

    They are: the one in which it began, the next one after that, and the last one before its end. What was
    lost in an outage is often noticed only at the end of the run, and what an outage erased was there before
    it. Nothing, if the finding has no events.
    """
    first = next((finding for it, finding in _failures(run) if it == same), None)
    times_ns = [event["t"] for event in first.events if "t" in event] if first else []
    if not times_ns:
        return []
    began_ns, ended_ns = min(times_ns), max(times_ns)
    played = list(enumerate(_played(history, schedule)))
    found = [
        *(place for place, (begin_ns, end_ns) in played if begin_ns <= began_ns <= end_ns),
        *[place for place, (begin_ns, _) in played if began_ns < begin_ns <= ended_ns][:1],
        *[place for place, (begin_ns, _) in played if begin_ns <= ended_ns][-1:],
    ]
    return [schedule.outages[place] for place in dict.fromkeys(found)]


def _played(history: Path, schedule: FaultSchedule) -> Iterator[tuple[float, float]]:
    """Yield when each outage of the schedule that was played began, and when it had to be recovered from."""
    (one,) = read_histories(history)
    windows = iter(sorted(one.faults, key=attrgetter("injected_ns")))
    for outage in schedule.outages:
        if of_outage := list(itertools.islice(windows, len(outage))):
            yield of_outage[0].injected_ns, max(recovered_ns(window, one) for window in of_outage)


class Tally:
    """How the runs of a case ended."""

    def __init__(self) -> None:
        self.fails = 0
        self.undecided = 0
        """Runs that were inconclusive, or ended without results."""
        self._others: Counter[str] = Counter()

    def add(self, run: RunRecord | None, same: Signature) -> None:
        """Count a run; None if it has no results."""
        found = signatures(run) if run else []
        self.undecided += run is None or (not found and run.verdict is not Verdict.PASS)
        if same in found:
            self.fails += 1
        elif run is None:
            self._others["ended without results"] += 1
        elif found:
            self._others[f"broke {found[0]}"] += 1
        else:
            self._others[{Verdict.PASS: "passed"}.get(run.verdict, "inconclusive")] += 1

    def __str__(self) -> str:
        runs = self.fails + self._others.total()
        rest = "".join(f", {count} {how}" for how, count in self._others.items())
        return f"fails {self.fails} of {runs}{rest}"
