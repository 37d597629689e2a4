"""Deleting any row of the plan, or any marker of what runs it, fails with a sentence that names it."""

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from harness.plan import PLAN_FILE, parse_plan, read_plan
from harness.plan.drift import Runners, drift, function_of

ROOT = Path(__file__).parents[2]
LIST = """
import json
from pathlib import Path
from harness.cli.listing import collect
from harness.plan import PLAN_FILE, read_plan
found = collect(read_plan(Path(PLAN_FILE)))
print(json.dumps([found.scenarios, found.tests, found.unmarked]))
"""

pytestmark = pytest.mark.timeout(300)  # it imports much, on a machine that may be busy


@pytest.fixture(scope="module")
def runners():
    """What names the rows of this checkout: asked of pytest in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LIST], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    scenarios, tests, unmarked = json.loads(done.stdout.splitlines()[-1])
    return Runners(defaultdict(list, scenarios), defaultdict(list, tests), unmarked)


@pytest.fixture(scope="module")
def rows():
    return read_plan(ROOT / PLAN_FILE)


def without(marked, row, function):
    """The same without one function's marker for a row."""
    kept = [node for node in marked[row] if function_of(node) != function]
    return defaultdict(list, marked | {row: kept})


def test_the_plan_and_what_runs_it_agree(rows, runners):
    assert drift(rows, runners) == []


def test_a_row_deleted_from_the_page_is_missed(rows, runners):
    for row in rows:
        sentences = drift([other for other in rows if other is not row], runners)
        assert [sentence for sentence in sentences if f"names the row {row.id}, which" in sentence], row.id


def test_a_row_is_what_its_line_in_the_page_says(rows):
    """So a row whose line is deleted is not there. Of each fortieth: to read the page takes a moment."""
    lines = (ROOT / PLAN_FILE).read_text(encoding="utf-8").splitlines()
    for row in rows[::40]:
        left = [line for line in lines if not line.startswith(f"| {row.id} |")]
        parsed = parse_plan("\n".join(left), PLAN_FILE)
        assert [each.id for each in parsed] == [other.id for other in rows if other is not row]


def test_a_marker_deleted_from_a_runner_is_missed(rows, runners):
    for row in rows:
        for function in runners.of(row.id):
            less = replace(
                runners,
                scenarios=without(runners.scenarios, row.id, function),
                tests=without(runners.tests, row.id, function),
            )
            sentences = drift(rows, less)
            assert [sentence for sentence in sentences if f"{row.id} (" in sentence], (row.id, function)


def test_the_command_line_fails_and_names_the_row(tmp_path):
    page = (ROOT / PLAN_FILE).read_text(encoding="utf-8").replace("| FLOW-02 |", "| FLOW-92 |")
    (tmp_path / PLAN_FILE).write_text(page, encoding="utf-8")
    words = [sys.executable, "-m", "harness", "plan"]
    env = {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "FLOW-92 (Offline recipient, line" in done.stderr
    assert "names the row FLOW-02, which the plan does not have. Did you mean FLOW-92" in done.stderr


def test_a_test_file_that_cannot_be_read_is_named_with_its_error(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mine.py").write_text("import not_here  # mark.plan(\n", encoding="utf-8")
    (tmp_path / PLAN_FILE).write_text((ROOT / PLAN_FILE).read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "plan"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "tests/test_mine.py: ModuleNotFoundError: No module named 'not_here'." in done.stderr
    assert done.stderr.count("\n") == 1
