"""The scripts of the GitHub action, run as GitHub runs them: by bash, with the inputs in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
STEPS = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
AS_GITHUB_DOES = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"]
DEADLINE_S = 120


def script(last_word: str) -> str:
    """Return the one script of a step with these words."""
    (found,) = (step["run"] for step in STEPS if last_word in step.get("run", ""))
    return found


def run(tmp_path, arguments):
    env = {
        "PYTHON": sys.executable,
        "TARGET": "reference",
        "ARGUMENTS": arguments,
        "REPORTS": str(tmp_path / "a folder"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    return subprocess.run(
        [*AS_GITHUB_DOES, script("-m harness run")],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_run_leaves_its_exit_code_and_the_job_summary(tmp_path):
    done = run(tmp_path, "--only 'QUEUE-0[12]' --seed 7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8") == "exit-code=0\n"
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "Pass: both rows kept every promise." in summary
    assert "seed 7" in summary


def test_wrong_usage_ends_the_last_step_with_its_exit_code(tmp_path):
    done = run(tmp_path, "--only NO-SUCH-ROW")
    assert done.returncode == 0, "the next steps must run"
    assert (tmp_path / "output").read_text(encoding="utf-8") == "exit-code=2\n"
    assert "The plan has no row" in done.stderr
    last = subprocess.run([*AS_GITHUB_DOES, STEPS[-1]["run"]], env=os.environ | {"CODE": "2"}, check=False)
    assert last.returncode == 2


@pytest.mark.parametrize(
    ("target", "installed"),
    [
        ("reference", "ACTION[server,browser]"),
        ("reference-sentinel", "ACTION[server,browser]"),
        ("my_server.toml", "ACTION"),
        ("a folder/größe.toml", "ACTION"),
    ],
)
def test_a_server_of_ones_own_is_judged_without_what_the_reference_server_needs(tmp_path, target, installed):
    python = tmp_path / "python"
    python.write_text(
        f"""#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
if [ "$2" = pip ]; then for word; do echo "$word" >> "{tmp_path}/words"; done; fi
""",
        encoding="utf-8",
    )
    python.chmod(0o755)
    env = {
        "PATH": f"{tmp_path}:{os.defpath}",
        "ACTION": "ACTION",
        "TARGET": target,
        "RUNNER_TEMP": str(tmp_path),
    }
    subprocess.run([*AS_GITHUB_DOES, script("-m pip install")], env=env, check=True)
    assert (tmp_path / "words").read_text(encoding="utf-8").split() == [
        "-m",
        "pip",
        "install",
        "--quiet",
        installed,
    ]


def test_every_input_reaches_a_step_by_the_environment_only():
    """An expression within a script would run what an input, such as a title, has in it."""
    assert not [step["run"] for step in STEPS if "${{" in step.get("run", "")]
