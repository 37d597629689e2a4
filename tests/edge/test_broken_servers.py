"""Servers that keep a scenario from going on: each is convicted, by one row, of the promise that it breaks.

The same history, judged again, comes to the same verdicts.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.checkers.pressure import TOO_BUSY, Pressure
from harness.history import read_histories
from harness.runner.folder import AGAIN
from tests.edge.running_rows import DEADLINE_S, ROOT

PROFILE = Path(__file__).parent / "programs" / "honest_server.toml"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(DEADLINE_S + 30)]

WAYS = [
    ("HangsSignIns", "FLOW-02", "available", "unanswered"),
    ("HangsRegistrations", "FLOW-02", "available", "unanswered"),
    ("HangsPolls", "FLOW-02", "available", "unanswered"),
    ("FreezesAfterAWhile", "FLOW-06", "available", "unanswered"),
    ("FailsAtEverything", "FLOW-02", "available", "wrong_status"),
    ("HangsUp", "FLOW-02", "available", "unanswered"),
    ("KnowsNobody", "SEND-04", "available", "wrong_status"),
    ("IsNeverAvailable", "FLOW-02", "available", "wrong_status"),
    ("LosesEverything", "FLOW-02", "no-loss", "not_stored"),
    ("DripsPolls", "FLOW-02", "available", "unanswered"),
    ("PollsWithoutEnd", "FLOW-02", "available", "wrong_status"),
    ("PollsOfNonsenseWithoutRedis", "POLL-07", "available", "wrong_status"),
    ("PromisesMore", "FLOW-02", "available", "endless"),
    ("NeverMovesOn", "FLOW-02", "no-duplicate", "delivered_twice"),
    ("DiesWithRedis", "SEND-05", "available", "unanswered"),
    ("WaitsForRedis", "ERR-03", "available", "unanswered"),
    ("IgnoresSigterm", "CHAOS-28", "stops-cleanly", "never_ended"),
    ("StaysAway", "ERR-05", "available", "not_back"),
]


def run(lane, way, folder, row):
    """The same as `play`; skips where the machine was too busy to judge."""
    run, result, reports = play(lane, way, folder, row)
    if result["verdict"] == "inconclusive" and TOO_BUSY in result["reason"]:
        pytest.skip(result["reason"])
    return run, result, reports


def play(lane, way, folder, row):
    """How a run against the broken server ended, its row, and the folder of the try that counts."""
    profile = folder / "target.toml"
    text = PROFILE.read_text(encoding="utf-8").replace(
        'programs/honest_server.py", ', f'programs/broken_server.py", "{way}", '
    )
    profile.write_text(text.replace("workers = 1", "workers = 1\nready_within_s = 5"), encoding="utf-8")
    run = lane.run(profile, folder / "reports", row)
    assert row in run.rows, run.said
    result = run.rows[row]
    again = folder / "reports" / AGAIN
    return run, result, again if (again / "results.json").exists() else again.parent


@pytest.mark.parametrize(("way", "row", "promise", "kind"), WAYS, ids=lambda value: value)
def test_a_server_that_keeps_a_scenario_from_going_on_is_convicted(way, row, promise, kind, lane, tmp_path):
    judged, result, reports = run(lane, way, tmp_path, row)
    assert (judged.exit_code, result["verdict"]) == (1, "fail"), judged.said
    found = {(finding["promise"], finding["kind"]) for finding in result["findings"]}
    if (promise, kind) not in found and a_wait_is_excused(reports):
        pytest.skip("the machine was too busy for the server to end or to start, whatever else it did")
    assert (promise, kind) in found, result["reason"]
    assert_judged_the_same_again(reports)


@pytest.mark.parametrize(
    ("way", "row"),
    [
        ("LosesEverything", "SEND-05"),
        ("IsNeverAvailable", "CHAOS-20"),
    ],
)
def test_a_server_that_was_broken_before_the_fault_is_not_judged_by_a_row_that_injects_one(
    way, row, lane, tmp_path
):
    judged, result, reports = play(lane, way, tmp_path, row)
    assert (judged.exit_code, result["verdict"]) == (3, "inconclusive"), judged.said
    assert result["reason"].startswith("was not normal before the fault: "), result["reason"]
    (history,) = read_histories(reports / "history.jsonl")
    assert not history.faults
    assert_judged_the_same_again(reports, exit_code=3)


def a_wait_is_excused(reports):
    """Whether the machine was too busy while the harness waited for the server, and gave up."""
    (history,) = read_histories(reports / "history.jsonl")
    pressure = Pressure(history)
    return any(pressure.excuses_time(wait.since_ns, wait.until_ns) for wait in history.gave_up)


def test_a_server_that_takes_no_message_serves_nobody(lane, tmp_path):
    judged, result, reports = run(lane, "TakesNoMessage", tmp_path, "ERR-01")
    assert (judged.exit_code, result["verdict"]) == (1, "fail"), judged.said
    assert "a legal send was answered 422" in result["reason"], result["reason"]
    assert_judged_the_same_again(reports)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("GivesNoToken", "the answer to a sign-in has no `token`"),
        ("PollsOfNonsense", "`id` (`wire.message.id`) in a message is an object, not a string or number"),
    ],
)
def test_a_field_that_no_answer_has_is_the_profiles_fault_and_no_verdict(way, said, lane, tmp_path):
    judged, result, _ = run(lane, way, tmp_path, "FLOW-02")
    assert (judged.exit_code, result["verdict"]) == (2, "inconclusive"), judged.said
    assert f"The profile does not fit the server: {said}" in result["reason"]


def assert_judged_the_same_again(reports, exit_code=1):
    check = [sys.executable, "-m", "harness", "check", str(reports / "history.jsonl")]
    again = subprocess.run(check, cwd=ROOT, capture_output=True, timeout=DEADLINE_S, check=False)
    assert again.returncode == exit_code
    assert again.stdout == (reports / "verdicts.json").read_bytes()
