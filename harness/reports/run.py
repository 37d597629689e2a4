"""The record of one run that every report is made from, and its JSON form, `results.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.reports.files import write_atomically
from harness.verdict import Finding, Judgement, Verdict, worst

FORMAT = 1


@dataclass(frozen=True)
class RowResult:
    """How one row of the plan ended; `reason` is one sentence whenever it did not pass."""

    id: str
    title: str
    section: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    judgements: tuple[Judgement, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)
    """What the row measured, name to value; a name ends in its unit (`poll_p95_ms`)."""
    latencies_s: Sequence[float] = ()
    """The delivery delays, ack to receipt, of the messages that were timed outside faults."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all its judgements."""
        return tuple(finding for judgement in self.judgements for finding in judgement.findings)


@dataclass(frozen=True)
class PromiseResult:
    """How one promise fared over all rows that judged it."""

    promise: str
    verdict: Verdict
    rows: int
    findings: int


@dataclass(frozen=True)
class Run:
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
    """The promised delivery time, which delays are shown against."""

    def promises(self) -> list[PromiseResult]:
        """Each promise's worst verdict, in the order in which promises were first judged."""
        judged: dict[str, list[Judgement]] = {}
        for row in self.rows:
            for judgement in row.judgements:
                judged.setdefault(judgement.promise, []).append(judgement)
        return [
            PromiseResult(
                promise=promise,
                verdict=worst(judgement.verdict for judgement in judgements),
                rows=len(judgements),
                findings=sum(findings_of(judgement) for judgement in judgements),
            )
            for promise, judgements in judged.items()
        ]

    def counts(self) -> dict[Verdict, int]:
        """How many rows ended with each verdict."""
        return {verdict: sum(row.verdict is verdict for row in self.rows) for verdict in Verdict}


def findings_of(judgement: Judgement) -> int:
    """How many findings there were; a judgement keeps only the first of each kind."""
    told = judgement.evidence.get("findings")
    return sum(told.values()) if isinstance(told, Mapping) else len(judgement.findings)


def write_results(run: Run, path: Path) -> None:
    """Write `results.json`, whole or not at all."""
    document = {
        "format": FORMAT,
        **asdict(run),
        "rows": [{**asdict(row), "findings": [asdict(one) for one in row.findings]} for row in run.rows],
        "promises": {one.promise: asdict(one) for one in run.promises()},
    }
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")


def read_results(path: Path) -> Run:
    """The run a `results.json` tells of.

    Raises OSError when it cannot be read, ValueError when it is not one.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _run(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the results of a run: {error!r}") from error


def _run(document: Mapping[str, Any]) -> Run:
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']}, where {FORMAT} is understood")
    fields = {name: value for name, value in document.items() if name not in ("format", "promises")}
    rows = tuple(_row(row) for row in fields.pop("rows"))
    return Run(**{**fields, "verdict": Verdict(fields["verdict"])}, rows=rows)


def _row(row: Mapping[str, Any]) -> RowResult:
    judgements = tuple(judgement_from(judgement) for judgement in row["judgements"])
    fields = {name: value for name, value in row.items() if name != "findings"}
    lists = {"judgements": judgements, "latencies_s": tuple(row["latencies_s"])}
    return RowResult(**{**fields, **lists, "verdict": Verdict(row["verdict"])})


def judgement_from(judgement: Mapping[str, Any]) -> Judgement:
    """The judgement that `Judgement.as_dict` told of."""
    findings = tuple(Finding(**{**one, "events": tuple(one["events"])}) for one in judgement["findings"])
    return Judgement(**{**judgement, "verdict": Verdict(judgement["verdict"]), "findings": findings})
