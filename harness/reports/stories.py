"""The findings of a run as stories: one for each kind of violation, from the first row that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.reports.record import RowResult, RunRecord
from harness.verdict import Judgement, Verdict


@dataclass(frozen=True)
class Story:
    """A broken promise in one row, and the other rows that show the same kind of finding first."""

    row: RowResult
    judgement: Judgement
    also: list[RowResult] = field(default_factory=list)


def stories(run: RunRecord) -> list[Story]:
    """Return the stories, in the order of the rows."""
    told: dict[tuple[str, str], Story] = {}
    for row in run.rows:
        for judgement in row.judgements:
            if row.verdict is Verdict.FAIL and judgement.verdict is Verdict.FAIL:
                kind = judgement.findings[0].kind if judgement.findings else row.id
                story = told.setdefault((judgement.promise, kind), Story(row, judgement))
                if story.row is not row and row not in story.also:
                    story.also.append(row)
    return list(told.values())


def without_story(run: RunRecord) -> list[RowResult]:
    """Return the failed rows of which no promise is broken, such as by a scenario's own expectation."""
    failed = (row for row in run.rows if row.verdict is Verdict.FAIL)
    return [row for row in failed if all(one.verdict is not Verdict.FAIL for one in row.judgements)]
