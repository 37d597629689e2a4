"""The files that docs/ci.md shows are what GitHub and GitLab take, as far as their schemas say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
WORKFLOW, STEP, GITLAB = BLOCKS
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def with_the_step() -> dict[str, object]:
    job = WORKFLOW["jobs"]["pollproof"]
    return {"on": "push", "jobs": {"pollproof": {**job, "steps": [*job["steps"], *STEP]}}}


@pytest.mark.parametrize(
    ("schema", "document"),
    [("github-workflows", with_the_step()), ("gitlab-ci", GITLAB)],
    ids=["GitHub", "GitLab"],
)
def test_what_the_page_shows_fits_its_schema(tmp_path: Path, schema: str, document: object) -> None:
    file = tmp_path / "file.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_gives_the_action_only_inputs_that_it_has() -> None:
    (used,) = (step["with"] for step in WORKFLOW["jobs"]["pollproof"]["steps"] if "with" in step)
    assert set(used) <= set(ACTION["inputs"])
