"""A rerun counts only if it fails in the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.chaos.catalog import CATALOG
from harness.chaos.reproducing import Signature, Tally, signature_of, signatures, suspects
from harness.chaos.schedule import draw
from harness.errors import UsageError
from harness.reports.record import RowResult, RunRecord
from harness.verdict import EXIT_CODES, Finding, Judgement, Verdict
from tests.unit.harness.checkers.histories import Story, ns

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


SCHEDULE = draw(7, CATALOG, total_s=120, quiet_s=6)


def played(folder: Path) -> Path:
    """The history of a run of the schedule that was neither late nor early."""
    story = Story()
    for fault in SCHEDULE.faults:
        times = {"inject": fault.at_s, "active": fault.at_s, "heal": fault.ends_at_s}
        story.fault(fault.kind.full_name, healed=fault.ends_at_s, **times)
    history = folder / "history.jsonl"
    lines = "".join(json.dumps(event | {"row": "RANDOM-01"}) + "\n" for event in story.events)
    history.write_text(lines, encoding="utf-8")
    return history


def suspected(folder: Path, *seconds: float) -> list[int]:
    """The places of the outages that are suspected for a finding with events at these times."""
    events = tuple({"t": ns(second)} for second in seconds)
    found = Finding("no-loss", "not_stored", "Lost.", events)
    outages = suspects(run(found), played(folder), SCHEDULE, signature_of(run(found), None))
    return [SCHEDULE.outages.index(outage) for outage in outages]


def test_the_outage_in_which_a_finding_began_is_suspected_first(tmp_path: Path) -> None:
    third, last = SCHEDULE.outages[2][0], len(SCHEDULE.outages) - 1
    assert suspected(tmp_path, third.at_s + 0.5) == [2]
    assert suspected(tmp_path, third.at_s + 0.5, 119.0) == [2, 3, last]


def test_what_was_there_before_an_outage_makes_the_next_one_suspect(tmp_path: Path) -> None:
    last = len(SCHEDULE.outages) - 1
    assert suspected(tmp_path, 1.0, 119.0) == [0, last]


def test_without_events_no_outage_is_suspected(tmp_path: Path) -> None:
    assert suspected(tmp_path) == []
    assert suspected(tmp_path, 1.0) == []
