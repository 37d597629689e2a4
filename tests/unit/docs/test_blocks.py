"""Each code block of the tutorial and the how-tos is run by a test, or is valid and says why it is not."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from documentation.blocks import FILE, NOT_RUN, READ, ROOT, RUN, Block, BlockError, blocks_of, to_be_followed
from harness.polling_clients.profile import load_client
from harness.targets.profile import load_profile

PAGES = to_be_followed()
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
MOST_NOT_RUN = 20
"""A block that cannot be run is an exception: who adds one, raises this number."""
ENVIRONMENT = {"API_KEY": "a key"}
ADAPTER = """
from harness.adapters import Adapter

class MyAdapter(Adapter):
    register = sign_in = send = poll = lambda self, *arguments: None
"""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.language == "sh":
        assert complaints_of_bash(block.text) == ""
    elif block.language == "python":
        ast.parse(textwrap.dedent(block.text))
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        document = yaml.safe_load(block.text)
        assert document
        assert [text for text in commands_in(document) if complaints_of_bash(text)] == []
    elif block.language == "toml":
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        valid_profile(block.text, tmp_path)


def complaints_of_bash(text: str) -> str:
    """Return what bash says about commands that it only reads; what a CI system fills in is a word."""
    words = ["bash", "-n", "-c", re.sub(r"\$\{\{.*?\}\}", "word", text)]
    return subprocess.run(words, capture_output=True, encoding="utf-8", timeout=20, check=False).stderr


def commands_in(document: object) -> Iterator[str]:
    """Yield the commands of a workflow: `run` on GitHub, `script` on GitLab."""
    if isinstance(document, list):
        for each in document:
            yield from commands_in(each)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key in {"run", "script"}:
                yield "\n".join(value) if isinstance(value, list) else value
            else:
                yield from commands_in(value)


def valid_profile(text: str, folder: Path) -> None:
    """Load a profile, or the part of one that a page shows, as the harness does."""
    table = tomllib.loads(text)
    if not {"name", "command", "url", "page", "program"} & table.keys():
        text = f'name = "part"\ncommand = ["true"]\n{text}'
    path = folder / "profile.toml"
    path.write_text(text, encoding="utf-8")
    for files in table.get("page", {}).get("files", {}).values():
        (folder / files).mkdir()
    if "adapter" in table:
        (folder / table["adapter"].partition(":")[0]).write_text(ADAPTER, encoding="utf-8")
    load = load_client if {"page", "program"} & table.keys() else load_profile
    load(str(path))


def test_no_block_is_skipped_in_silence() -> None:
    fates = Counter(block.fate for block in BLOCKS)
    assert fates.total() == len(BLOCKS)
    assert fates[RUN] > fates[NOT_RUN]
    assert fates[NOT_RUN] <= MOST_NOT_RUN
    assert fates[FILE]
    assert all(len(block.says.split()) > 1 for block in BLOCKS if block.fate == NOT_RUN)
    for block in BLOCKS:
        assert block.fate != READ or block.language != "sh"


def test_every_page_of_the_navigation_is_there() -> None:
    assert all(page.is_file() for page in PAGES)
    assert ROOT / "docs" / "tutorial.md" in PAGES


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```\ntrue\n```", "the language '' is none of"),
        ("    true\n", "an indented block has no language"),
        ("<!-- file -->\n```sh\ntrue\n```", "the marker `file` says nothing"),
        ("<!-- not run -->\n```sh\ntrue\n```", "the marker `not run` says nothing"),
        ("<!-- exit: 1 -->\n```text\ntrue\n```", "only commands end with an exit code"),
        ("<!-- output -->\n\nWords.\n", "no block follows the marker `output`"),
        ("<!-- output -->\n\n<!-- output -->\n\n```text\n```", "no block follows the marker before"),
    ],
)
def test_what_is_unclear_is_an_error(text: str, problem: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text + os.linesep, encoding="utf-8")
    with pytest.raises(BlockError, match=rf"page\.md:\d+: .*{problem}"):
        blocks_of(page)
