"""The same plan against another honest server: its profile says what it does otherwise, and it passes."""

from pathlib import Path

import pytest

from tests.edge.running_rows import DEADLINE_S, run_rows

PROFILE = Path(__file__).parent / "programs" / "honest_server.toml"
ROWS = ("POLL-03", "POLL-04", "POLL-07", "SEND-03", "FLOW-02")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
    pytest.mark.timeout(DEADLINE_S + 10),
]


def test_an_honest_server_with_other_policies_passes(tmp_path):
    done, rows = run_rows(PROFILE, tmp_path, *ROWS, "QUEUE-01", "OPS-02")
    assert rows.keys() == set(ROWS), done.stdout + done.stderr
    undecided = [row["reason"] for row in rows.values() if row["verdict"] == "inconclusive"]
    assert "fail" not in {row["verdict"] for row in rows.values()}, done.stdout
    assert all("too busy to measure" in reason for reason in undecided), done.stdout
    assert done.returncode == (3 if undecided else 0)
    assert "Left out: QUEUE-01: about the inside of the reference server alone." in done.stdout
    assert "Left out: OPS-02: the target's profile says metrics = false." in done.stdout


def test_what_it_does_otherwise_is_a_finding_where_its_profile_does_not_say_so(tmp_path):
    profile = tmp_path / "mine.toml"
    profile.write_text(
        PROFILE.read_text(encoding="utf-8").replace('malformed_since = "ignored"', ""), encoding="utf-8"
    )
    done, rows = run_rows(profile, tmp_path, "POLL-03")
    assert done.returncode == 1, done.stdout + done.stderr
    (finding, *_) = rows["POLL-03"]["findings"]
    assert (finding["promise"], finding["kind"]) == ("refuses", "not_refused")


def test_a_target_for_which_no_row_is_left_is_wrong_usage(tmp_path):
    done, _ = run_rows(PROFILE, tmp_path, "QUEUE-*")
    assert done.returncode == 2
    assert "None of the rows asked for suits the target" in done.stderr
