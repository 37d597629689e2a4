"""The workflows of GitHub: what they pin, which Pythons they try, and that a tag must name the version."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), ROOT / "action.yml"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
AS_GITHUB_DOES = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"]


def workflow(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_of_others_are_pinned_to_a_commit_with_its_version(file: Path) -> None:
    used = re.findall(r"uses: (?!\./)(.*)", file.read_text(encoding="utf-8"))
    assert used
    assert [each for each in used if not re.match(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\b", each)] == []


def test_an_action_has_one_version_everywhere() -> None:
    used = [re.findall(r"uses: ([\w./-]+)@(\w+)", file.read_text(encoding="utf-8")) for file in FILES]
    pins = {pin for pins in used for pin in pins}
    assert len({action for action, _ in pins}) == len(pins)


def test_the_unit_tests_run_on_each_python_that_the_package_names() -> None:
    tried = workflow("ci.yml")["jobs"]["python"]["strategy"]["matrix"]["python"]
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert tried == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize(("tag", "code"), [("", 0), ("v9.9.9", 1), ("v", 1), ("v0.1", 1)])
def test_a_tag_must_name_the_version(tag: str, code: int) -> None:
    (step,) = [
        step for step in workflow("release.yml")["jobs"]["build"]["steps"] if "TAG" in step.get("env", "")
    ]
    env = os.environ | {"TAG": tag or f"v{PROJECT['version']}"}
    done = subprocess.run(
        [*AS_GITHUB_DOES, step["run"]], cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("::error::" in done.stdout) == bool(code)


def test_only_the_job_that_publishes_may_do_so() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert workflow("release.yml")["permissions"] == {}
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["pypi"]["environment"] == "pypi"
    assert not any("run" in step for step in jobs["pypi"]["steps"]), "nothing of the project runs there"
