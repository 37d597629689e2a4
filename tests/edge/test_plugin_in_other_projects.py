"""The plugin is loaded into every pytest run of its environment: it must not touch what is not a scenario."""

import subprocess
import sys

import pytest

TESTS = """
import pytest

@pytest.fixture
def run():
    return 1

def test_that_fails(run):
    assert run == 2

def test_that_passes(run):
    assert run == 1
"""


@pytest.mark.parametrize("parallel", [[], ["-n", "2"]])
def test_a_failing_test_with_a_fixture_called_run_still_fails_the_run(tmp_path, parallel):
    (tmp_path / "test_theirs.py").write_text(TESTS, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *parallel, str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert not (tmp_path / "reports").exists()
