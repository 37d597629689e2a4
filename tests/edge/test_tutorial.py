"""docs/tutorial.md is followed to the letter: its commands are run, its mends applied, its outputs compared.

A word with a digit stands for any word, `…` for any words, and where lines break does not matter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.edge.running_rows import DEADLINE_S, ROOT, Done

SERVER = Path("examples") / "naive_server"
PLAN = "TEST_REALTIME_MESSAGING.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
MOST_LINES = 15
REPORTS = Path("reports") / "latest"
LONGEST_S = 2 * DEADLINE_S
"""For several rows, which a busy machine runs twice."""
HEADLINE = re.compile(r"[A-Z]+-\d\d .*")
AS_IT_IS = re.compile(r"\b[A-Z]+-\d\d\b|\b[2-5]\d\d\b")
"""Ids of rows and statuses: the words with digits that do not differ from run to run."""

pytestmark = [
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
    pytest.mark.timeout(LONGEST_S + 10),
]


@dataclass
class Step:
    """A numbered section: a command, what it prints, and the mend of what it found."""

    title: str
    mends_before: list[str]
    command: str = ""
    output: str = ""
    mends: list[str] = field(default_factory=list)


def steps_of(page: str) -> list[Step]:
    found: list[Step] = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE):
        title, _, body = section.partition("\n")
        if not title[:1].isdigit():
            continue
        step = Step(title, [mend for earlier in found for mend in earlier.mends])
        for kind, block in blocks_of(body):
            if kind == "sh":
                step.command = block
            elif kind == "text":
                step.output = block
            elif kind == "diff":
                step.mends.append(block)
        found.append(step)
    return found


def blocks_of(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


PAGE = TUTORIAL.read_text(encoding="utf-8")
STEPS = steps_of(PAGE)


@pytest.mark.e2e
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_the_tutorial_is_true(step: Step, tmp_path: Path) -> None:
    shutil.copytree(ROOT / SERVER, tmp_path / SERVER)
    shutil.copy(ROOT / PLAN, tmp_path)
    for mend in step.mends_before:
        follow(mend, tmp_path)
    done = run(step.command, tmp_path)
    said = done.stdout + done.stderr
    expected, undecided = paragraphs(step.output), too_busy_for(tmp_path / REPORTS)
    if "once more, one at a time" in " ".join(said.split()) or undecided:
        expected = {name: text for name, text in expected.items() if name not in undecided | {""}}
    shown = paragraphs(done.stdout)
    for name, text in expected.items():
        assert re.search(pattern(text), shown.get(name, "")), f"{name or 'the rest'} is not as shown\n{said}"
    is_broken = any(" fail " in text for text in expected.values())
    assert done.returncode == (1 if is_broken else 3 if undecided else 0), said


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_has_all_that_a_reader_needs(step: Step) -> None:
    assert step.command.startswith("python -m harness run --target examples/naive_server/naive.toml"), step
    assert " fail " in step.output or step is STEPS[-1]
    assert step.mends or step is STEPS[-1]


def test_what_the_tutorial_quotes_is_in_the_files() -> None:
    profile = (ROOT / SERVER / "naive.toml").read_text(encoding="utf-8")
    assert len([line for line in profile.splitlines() if not line.startswith("#")]) <= MOST_LINES
    quoted = blocks_of(PAGE)
    assert ("toml", profile) in quoted
    source = (ROOT / SERVER / "server.py").read_text(encoding="utf-8")
    pieces = [block for kind, block in quoted if kind == "python"]
    assert pieces
    assert all(piece in source for piece in pieces)


def follow(commands: str, folder: Path) -> None:
    done = run(commands, folder)
    assert done.returncode == 0, done.stderr


def run(commands: str, folder: Path) -> Done:
    """Run commands as a reader types them: `python` is the one that the project is installed in."""
    paths = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return subprocess.run(
        ["bash", "-c", commands],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(paths)},
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=False,
    )


def too_busy_for(reports: Path) -> set[str]:
    """Return the rows that stayed inconclusive, also when they were run once more, on a busy machine."""
    again = reports / "again" / "results.json"
    results = again if again.exists() else reports / "results.json"
    rows: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))["rows"]
    undecided = {row["id"]: row["reason"] for row in rows if row["verdict"] == "inconclusive"}
    assert all("too busy to measure" in reason for reason in undecided.values()), undecided
    return set(undecided)


def paragraphs(output: str) -> dict[str, str]:
    """Return what is printed of each row by its id, and all other lines as ''."""
    found: dict[str, str] = {"": ""}
    name = ""
    for line in output.splitlines():
        if HEADLINE.match(line):
            name = line.split()[0]
        elif not line.startswith(" "):
            name = ""
        found[name] = f"{found.get(name, '')} {line}"
    return {name: " ".join(text.split()) for name, text in found.items()}


def pattern(text: str) -> str:
    """Return a regular expression of what is shown."""
    return " ".join(word_pattern(word) for word in text.split()).replace(" .* ", " (?:.* )?")


def word_pattern(word: str) -> str:
    if word == "…":
        return ".*"
    digits = re.sub(AS_IT_IS, "", word)
    return r"\S+" if re.search(r"\d", digits) else re.escape(word).replace("…", ".*")
