"""Annotations of a GitHub job: what is wrong, without a file that no one knows, and inert."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.reports.annotations import MOST, annotations_of, main
from harness.reports.record import RowResult, RunRecord, write_results
from harness.verdict import Finding, Judgement, Verdict, worst


def row(
    id_: str, verdict: Verdict, *, kind: str = "not_stored", reason: str = "why", promise: str = "no-loss"
) -> RowResult:
    found = (Finding(promise, kind, reason),) if verdict is Verdict.FAIL else ()
    judged = Judgement(promise, verdict, reason if verdict is not Verdict.PASS else "", found)
    return RowResult(id_, "A row: its title", "s", verdict, 1.0, reason, (judged,))


def run(*rows: RowResult) -> RunRecord:
    verdict = worst(one.verdict for one in rows)
    return RunRecord(verdict, 1, 7, "2026-01-01T00:00:00+00:00", 9.0, rows, {}, "mine")


def test_a_failure_is_an_error_and_what_was_not_decided_a_warning() -> None:
    found = run(
        row("A-01", Verdict.PASS), row("A-02", Verdict.FAIL), row("A-03", Verdict.INCONCLUSIVE, reason="busy")
    )
    assert [*annotations_of(found)] == [
        "::error title=no-loss in A-02::why",
        "::warning title=A-03 A row%3A its title::busy",
    ]


def test_one_kind_of_finding_comes_once_and_there_are_no_more_than_github_shows() -> None:
    same = [row(f"A-{number}", Verdict.FAIL) for number in range(30)]
    assert len([*annotations_of(run(*same))]) == 1
    others = [row(f"A-{number}", Verdict.FAIL, kind=f"kind {number}") for number in range(30)]
    assert len([*annotations_of(run(*others))]) == MOST


def test_a_row_that_failed_by_itself_has_one_as_well() -> None:
    failed = RowResult("A-01", "A row", "s", Verdict.FAIL, 1.0, reason="it did not end")
    assert [*annotations_of(run(failed))] == ["::error title=A-01 A row::it did not end"]


def test_no_text_becomes_a_command_of_its_own() -> None:
    evil = "50 %\n::set-output name=x::y\r::stop-commands::z \x1b[31m" + "x" * 5000
    (line,) = annotations_of(run(row("A-01", Verdict.FAIL, reason=evil)))
    assert line.startswith("::error title=no-loss in A-01::50 %25")
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    assert len(line) < 700


def test_the_command_prints_them_and_nothing_without_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == ""
    write_results(run(row("A-01", Verdict.FAIL)), tmp_path / "results.json")
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == "::error title=no-loss in A-01::why\n"
