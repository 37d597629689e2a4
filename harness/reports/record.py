"""The record of one run, from which every report is made, and its JSON form, `results.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import to_builtins
from msgspec.structs import force_setattr, replace

from harness.errors import UsageError, reason_of
from harness.interrupts import INTERRUPTED
from harness.reports.files import read_typed, write_atomically
from harness.typed import Record
from harness.verdict import EXIT_CODES, Finding, Judgement, Verdict, worst


class FaultBand(Record, frozen=True):
    """A fault, from its injection until it was seen healed, in s after the scenario's begin; None: never."""

    name: str
    from_s: float
    to_s: float | None


class Timeline(Record, frozen=True):
    """What became of each message of one scenario, for pictures. Times in seconds.

    `fates` has one letter for each message in `sent_at_s`: `d` delivered, `n` accepted and asked for by no
    reader, `l` late, `x` lost, `2` delivered twice, `r` refused, `u` unknown whether stored, `c` the same and
    delivered.
    """

    begin_s: float
    """After the first event of the run."""
    seconds: float
    sent_at_s: Sequence[float]
    delays_s: Sequence[float | None]
    """From the begin of the send to the first receipt; None if there was none."""
    fates: str
    faults: tuple[FaultBand, ...] = ()
    ops: Sequence[int] = ()
    """The operation of each message's first attempt, as `history.jsonl` numbers it in this scenario."""


class Repeat(Record, frozen=True):
    """How a finding can be repeated by hand: a script of curl lines for bash, or why there is none."""

    script: str = ""
    why_not: str = ""


class RowResult(Record, frozen=True):
    """How one row of the plan ended; `reason` is one sentence whenever it did not pass."""

    id: str
    title: str
    section: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    judgements: tuple[Judgement, ...] = ()
    measured: Mapping[str, Any] = {}
    """What the row measured, name to value; a name ends in its unit (`poll_p95_ms`)."""
    latencies_s: Sequence[float] = []
    """The delays from acceptance to receipt of the messages that were timed outside fault windows."""
    screenshots: Mapping[str, str] = {}
    """What each picture shows, by its file, which is relative to that of the results."""
    timelines: tuple[Timeline, ...] = ()
    """One for each scenario of the row that sent something."""
    repeats: Mapping[str, Repeat] = {}
    """How the first finding of each broken promise can be repeated, by the promise."""
    findings: tuple[Finding, ...] = ()
    """The findings of all its judgements, whatever is given here."""

    def __post_init__(self) -> None:
        found = tuple(finding for judgement in self.judgements for finding in judgement.findings)
        force_setattr(self, "findings", found)


class PromiseResult(Record, frozen=True):
    """The verdict on one promise over all rows that judged it."""

    promise: str
    verdict: Verdict
    rows: int
    findings: int


class RunRecord(Record, frozen=True):
    """One run of the harness. `started_at` is ISO 8601 in UTC, for people only."""

    verdict: Verdict
    exit_code: int
    seed: int
    started_at: str
    seconds: float
    rows: tuple[RowResult, ...]
    environment: Mapping[str, Mapping[str, str]]
    """By service (and 'python', 'platform', …): its `version` and its `origin`."""
    target: str
    delivered_within_s: float = 2.0
    """The promised delivery time, with which delays are compared."""
    interrupted: bool = False
    """Whether Ctrl-C or another signal ended the run: rows may be missing, and the exit code is 130."""
    command: str = ""
    """What repeats a row with `--only ID`, and all rows without; '' where a row is not run by itself."""
    asked: str = ""
    """The command line that repeats the run; '' if pytest was called without one."""
    sentences: Mapping[str, str] = {}
    """What each promise says, by its name."""
    promises: Mapping[str, PromiseResult] = {}
    """The result of each promise, in the order of their first judgements, whatever is given here."""

    def __post_init__(self) -> None:
        judged: dict[str, list[Judgement]] = {}
        for row in self.rows:
            for judgement in row.judgements:
                judged.setdefault(judgement.promise, []).append(judgement)
        results = {promise: _result(promise, judgements) for promise, judgements in judged.items()}
        force_setattr(self, "promises", results)

    def counts(self) -> dict[Verdict, int]:
        """Return how many rows ended with each verdict."""
        return {verdict: sum(row.verdict is verdict for row in self.rows) for verdict in Verdict}


def with_again(run: RunRecord, again: RunRecord) -> RunRecord:
    """Return a run with the rows that were run once more as they ended then."""
    ended = {row.id: row for row in again.rows}
    rows = tuple(ended.get(row.id, row) for row in run.rows)
    interrupted = run.interrupted or again.interrupted
    verdict = worst([*(row.verdict for row in rows), *([Verdict.INCONCLUSIVE] if interrupted else [])])
    return replace(
        run,
        rows=rows,
        verdict=verdict,
        interrupted=interrupted,
        exit_code=INTERRUPTED if interrupted else EXIT_CODES[verdict],
        seconds=round(run.seconds + again.seconds, 3),
    )


class Results(RunRecord, frozen=True, kw_only=True):
    """A run as its file has it; in format 1 a finding's `suspected_cause` was called `mechanism`."""

    format: Literal[2]


def _result(promise: str, judgements: Sequence[Judgement]) -> PromiseResult:
    return PromiseResult(
        promise,
        verdict=worst(judgement.verdict for judgement in judgements),
        rows=len(judgements),
        findings=sum(findings_of(judgement) for judgement in judgements),
    )


def findings_of(judgement: Judgement) -> int:
    """Return how many findings there were."""
    return sum(kinds_of(judgement).values())


def kinds_of(judgement: Judgement) -> Mapping[str, int]:
    """Return how many findings of each kind there were; a judgement keeps only the first of each."""
    counts = judgement.evidence.get("findings")
    return counts if isinstance(counts, Mapping) else Counter(one.kind for one in judgement.findings)


def write_results(run: RunRecord, path: Path) -> None:
    """Write `results.json` completely or not at all. Raise OSError."""
    write_atomically(path, render_results(run, ascii_only=False))


def render_results(run: RunRecord, *, ascii_only: bool = True) -> str:
    """Return the text of `results.json`; with `ascii_only`, for a stream of any encoding."""
    document = {"format": 2, **to_builtins(run, enc_hook=str)}
    return json.dumps(document, ensure_ascii=ascii_only, indent=1) + "\n"


RESULTS = "results.json"


def results_of(path: Path) -> RunRecord:
    """Return the run whose results are in a folder, or in a file of them.

    Raise UsageError where there are none that can be read.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        return read_results(file)
    except OSError as error:
        raise UsageError(f"The results {file} cannot be read: {reason_of(error)}.") from error
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def read_results(path: Path) -> RunRecord:
    """Return the run that a `results.json` describes.

    Raise OSError when the file cannot be read, ValueError when it is not the results of a run.
    """
    return read_typed(path, Results, "the results of a run")
