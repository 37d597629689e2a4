"""A rerun counts only if it fails in the same way."""

from __future__ import annotations

from typing import Any

import pytest

from harness.chaos.reproducing import Signature, Tally, signature_of, signatures
from harness.errors import UsageError
from harness.reports.record import RowResult, RunRecord
from harness.verdict import EXIT_CODES, Finding, Judgement, Verdict

LOST = Finding("no-loss", "not_stored", "Message 'a1' is lost.", suspected_cause="trimmed queue")
LATE = Finding("on-time", "late", "Message 'a1' was late.")


def run(*found: Finding, verdict: Verdict | None = None, reason: str = "") -> RunRecord:
    judgements = tuple(Judgement(it.promise, Verdict.FAIL, it.sentence, (it,)) for it in found)
    ended = verdict or (Verdict.FAIL if found else Verdict.PASS)
    row = RowResult("RANDOM-01", "Faults", "random", ended, 1.0, reason, judgements)
    fixed: dict[str, Any] = {"started_at": "", "seconds": 1.0, "environment": {}, "target": "reference"}
    return RunRecord(ended, EXIT_CODES[ended], 1, rows=(row,), **fixed)


def expecting(reason: str) -> RunRecord:
    return run(verdict=Verdict.FAIL, reason=reason)


def test_the_first_failure_is_looked_for_or_that_of_a_promise() -> None:
    assert signature_of(run(LOST, LATE), None) == ("no-loss", "not_stored", "trimmed queue")
    assert signature_of(run(LOST, LATE), "on-time") == ("on-time", "late", "")
    with pytest.raises(UsageError, match="did not break order; the broken promises are: no-loss, on-time"):
        signature_of(run(LOST, LATE), "order")


def test_a_failed_expectation_is_the_same_with_other_names_and_numbers() -> None:
    one, two = (
        signatures(expecting(f"after 'redis killed' the queue of '{name}' had {count} entries, not 3"))
        for name, count in (("alice_1f", 5), ("bob_22", 17))
    )
    assert one == two
    assert one != signatures(expecting("a send was answered 503 without an outcome"))


def test_runs_are_counted_by_how_they_ended() -> None:
    same = Signature(*("no-loss", "not_stored", "trimmed queue"))
    tally = Tally()
    for ended in (run(LOST), run(LATE, LOST), run(LATE), run(), run(verdict=Verdict.INCONCLUSIVE), None):
        tally.add(ended, same)
    assert tally.fails == 2
    said = "fails 2 of 6, 1 broke on-time: late, 1 passed, 1 inconclusive, 1 ended without results"
    assert str(tally) == said


def test_another_cause_is_another_failure() -> None:
    tally = Tally()
    tally.add(
        run(Finding("no-loss", "not_stored", "Lost.", suspected_cause="page limit")),
        signature_of(run(LOST), None),
    )
    assert tally.fails == 0
    assert "broke no-loss: not_stored (page limit)" in str(tally)
