"""`summary.md`: a run as Markdown."""

from __future__ import annotations

from harness.reports.markdown import SHOWN_FINDINGS, cell, render_summary
from harness.reports.record import RowResult, RunRecord
from harness.verdict import Finding, Judgement, Verdict

LOST = Finding("no-loss", "not_stored", "The message <b>'a|b'</b> of @alice was lost.")


def run(*rows: RowResult, verdict: Verdict = Verdict.PASS) -> RunRecord:
    return RunRecord(verdict, 0, 7, "2026-01-01T00:00:00+00:00", 65.0, rows, {}, "reference")


def failed(*findings: Finding) -> RowResult:
    judgement = Judgement("no-loss", Verdict.FAIL, "why", findings)
    return RowResult("ERR-02", "Redis goes down", "errors", Verdict.FAIL, 3.0, "why", (judgement,))


def test_a_run_that_passed_is_told_in_its_first_line() -> None:
    passed = RowResult("FLOW-01", "Two users", "flow", Verdict.PASS, 2.0, measured={"polls": 3})
    first, *rest = render_summary(run(passed)).splitlines()
    assert first == "## ✅ Pass: the one row kept every promise."
    assert "| FLOW-01 | Two users | ✅ pass | 2.0 | polls 3 |" in rest


def test_each_finding_is_told_and_is_only_text() -> None:
    text = render_summary(run(failed(LOST), verdict=Verdict.FAIL))
    assert (
        "- **ERR-02** Redis goes down: no-loss: The message \\<b\\>'a\\|b'\\</b\\> of \\@alice was lost."
        in text
    )
    assert "| no-loss | ❌ fail | 1 | 1 |" in text


def test_of_many_findings_the_first_are_told_and_the_rest_counted() -> None:
    text = render_summary(run(failed(*[LOST] * (SHOWN_FINDINGS + 5)), verdict=Verdict.FAIL))
    assert text.count("Redis goes down: no-loss") == SHOWN_FINDINGS
    assert "- and 5 more" in text


def test_a_row_that_proved_nothing_says_why() -> None:
    row = RowResult("ERR-02", "Redis goes down", "errors", Verdict.INCONCLUSIVE, 3.0, "the machine was busy")
    assert "- **ERR-02** Redis goes down: the machine was busy" in render_summary(
        run(row, verdict=Verdict.INCONCLUSIVE)
    )


def test_an_empty_run_says_so() -> None:
    assert "no row was run" in render_summary(run(verdict=Verdict.INCONCLUSIVE))


def test_a_cell_is_one_line() -> None:
    assert cell("a\nb\x1b[0m `c`") == "a b\\\\x1b\\[0m \\`c\\`"
