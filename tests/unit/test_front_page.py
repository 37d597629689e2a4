"""README.md and docs/commands.md name existing commands; README.md says of others what their page says."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from harness.cli.parser import parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
STRANGERS = (ROOT / "docs" / "strangers.md").read_text(encoding="utf-8")

SESSIONS = set(
    re.findall(
        r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE
    )
)
(SUBPARSERS,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
SUBCOMMANDS = set(SUBPARSERS.choices)


def rows(text: str) -> list[list[str]]:
    """Return the cells of each line of Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_of_commands_has_every_session_of_nox_once() -> None:
    page = COMMANDS[COMMANDS.index("## Sessions of nox") :]
    named = [row[0].strip("`") for row in rows(page) if row[0].startswith("`")]
    assert sorted(named) == sorted(SESSIONS)


def test_the_page_of_commands_has_every_command_of_the_harness() -> None:
    page = COMMANDS[: COMMANDS.index("## Exit codes")]
    assert set(re.findall(r"`pollproof (\w+)", page)) == SUBCOMMANDS


def test_the_readme_names_only_commands_that_there_are() -> None:
    sessions = re.findall(r"nox -s (\w+)", README)
    subcommands = re.findall(r"pollproof (\w+) [-m]", README)
    assert sessions
    assert set(sessions) <= SESSIONS
    assert subcommands
    assert set(subcommands) <= SUBCOMMANDS


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= 100


def test_the_readme_says_of_others_what_their_page_says() -> None:
    """A system that broke a promise there loses or doubles something here; one that broke none does not."""
    systems = [cells for cells in rows(STRANGERS) if len(cells) > 8 and cells[0] != "System"]
    breaks = {cells[0].split(",")[0]: False for cells in systems}
    for cells in systems:
        breaks[cells[0].split(",")[0]] |= cells[5] != "none"
    table = README[README.index("| System | Verdict |") : README.index("[docs/strangers.md]")]
    for name, some in breaks.items():
        if name == "SQS standard (moto)":  # promises at most what it keeps: told on its own page
            continue
        word = name.split()[0]
        (line,) = (line for line in table.splitlines() if line.startswith(f"| {word}"))
        assert some == bool(re.search(r"\bloses\b|\btwice\b", line)), line
