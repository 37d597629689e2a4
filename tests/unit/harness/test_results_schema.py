"""The JSON Schema of `results.json`: it is the code's, and fits what a run writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from harness.reports.record import RowResult, RunRecord, write_results
from harness.reports.schema import FILE, rendered, results_schema
from harness.verdict import Finding, Judgement, Verdict

SCHEMA = Draft202012Validator(results_schema())
FINDING = Finding("no-loss", "not_stored", "A message was lost.", ({"t": 1},), "the queue")
ROW = RowResult(
    "ERR-02",
    "Redis goes down",
    "errors",
    Verdict.FAIL,
    3.5,
    "no-loss: A message was lost.",
    (Judgement("no-loss", Verdict.FAIL, FINDING.sentence, (FINDING,), {"findings": {"not_stored": 1}}),),
    {"polls": 3, "poll_p95_ms": None},
    [0.5, 1.5],
)


@pytest.fixture
def written(tmp_path: Path) -> dict[str, object]:
    run = RunRecord(Verdict.FAIL, 1, 7, "2026-01-01T00:00:00+00:00", 4.0, (ROW,), {}, "reference")
    write_results(run, tmp_path / "results.json")
    document: dict[str, object] = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    return document


def test_the_file_is_what_the_code_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(), "run `python3 -m harness.reports.schema`"
    Draft202012Validator.check_schema(results_schema())


def test_what_a_run_writes_fits(written: dict[str, object]) -> None:
    SCHEMA.validate(written)


def test_what_a_later_version_adds_fits(written: dict[str, object]) -> None:
    SCHEMA.validate(written | {"added": 1})


@pytest.mark.parametrize("change", [{"verdict": "green"}, {"format": 1}, {"rows": [{"id": "ERR-02"}]}])
def test_what_a_run_never_writes_does_not_fit(written: dict[str, object], change: dict[str, object]) -> None:
    assert not SCHEMA.is_valid(written | change)
