"""Rows that are run by tests: they are in the same results, with the same verdicts and exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
PLAN = """# Plan

## Queue

| Id | Row | Done | Expected | Run by |
|---|---|---|---|---|
| Q-01 | Passes | a | b | `tests/test_mine.py`: `test_that_passes` |
| Q-02 | Fails | a | b | `tests/test_mine.py`: `test_that_passes`, `test_that_fails` |
| Q-03 | Is skipped | a | b | `tests/test_mine.py`: `test_that_is_skipped` |
| Q-04 | Was forgotten | a | b | `tests/test_mine.py`: `test_without_a_marker` |
| Q-05 | Cannot begin | a | b | `tests/test_mine.py`: `test_that_cannot_begin` |
"""
TESTS = """
import pytest

@pytest.mark.plan("Q-01", "Q-02")
@pytest.mark.parametrize("number", [1, 2])
def test_that_passes(number):
    pass

@pytest.mark.plan("Q-02")
def test_that_fails():
    with pytest.raises(ValueError):
        pass

@pytest.mark.plan("Q-03")
def test_that_is_skipped():
    pytest.skip("there is no kernel for this")

def test_without_a_marker():
    pass

@pytest.fixture
def nothing():
    raise OSError("disk full")

@pytest.mark.plan("Q-05")
def test_that_cannot_begin(nothing):
    pass
"""

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("services"), pytest.mark.timeout(DEADLINE_S + 10)]


@pytest.fixture
def checkout(tmp_path):
    """Somebody's project with a plan and tests of its own."""
    (tmp_path / "TEST_REALTIME_MESSAGING.md").write_text(PLAN, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mine.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


def harness(checkout, *words):
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def run(checkout, row, *words):
    done = harness(checkout, "run", "--only", row, *words)
    results = json.loads((checkout / "reports" / "latest" / "results.json").read_text(encoding="utf-8"))
    return done, {one["id"]: one for one in results["rows"]}


@pytest.mark.parametrize(("row", "exit_code"), [("Q-01", 0), ("Q-03", 3)])
def test_a_run_is_green_only_if_its_tests_passed(checkout, row, exit_code):
    done, rows = run(checkout, row)
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert rows.keys() == {row}, "a row was told of that nobody asked for"


def test_each_row_ends_as_its_tests_do_and_the_run_as_the_worst(checkout):
    done, rows = run(checkout, "Q-*", "--jobs", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert {id_: row["verdict"] for id_, row in rows.items()} == {
        "Q-01": "pass",
        "Q-02": "fail",
        "Q-03": "skipped",
        "Q-04": "inconclusive",
        "Q-05": "inconclusive",
    }
    reasons = ("", "DID NOT RAISE", "no kernel for this", "nothing ran this row", "disk full")
    for row, reason in zip(rows.values(), reasons, strict=True):
        assert reason in row["reason"]
    assert len(re.findall(r"\d/5  Q-01 ", done.stdout)) == 1, "a row of several tests was told more than once"


def test_the_plan_misses_the_marker(checkout):
    done = harness(checkout, "plan")
    assert done.returncode == 2
    assert "runs Q-04 (Was forgotten, line 10 of the plan), but no such test names the row" in done.stderr
