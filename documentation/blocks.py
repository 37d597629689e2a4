"""The code blocks of the pages, and what becomes of each: run, written to a file, compared, or read only.

A comment on the line before a block says it, where its language does not:

    <!-- file: NAME -->        written to NAME in the folder in which the page's commands run
    <!-- exit: 1 -->           commands that end with this code, or with one of several: `0 or 3`
    <!-- output -->            what the last commands print; `…` and words with digits stand for others
    <!-- not run: REASON -->   read only, because it needs what a test does not have

Without one, `sh` is run, and every other language is read: `toml` is a profile or a part of one, `python`,
`json` and `yaml` have to be valid, all others are shown. Commands run in an empty folder; in a page with
`<!-- in a checkout -->` it has the repository's folders. Port 8000 stands for any free one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
FOLLOWED = {"Tutorial", "How-to"}
MARKER = re.compile(r"^<!-- (file|exit|output|not run)(?:: (.+?))? -->$")
CHECKOUT = "<!-- in a checkout -->"
RUN, FILE, OUTPUT, READ, NOT_RUN = "run", "file", "output", "read", "not run"
LANGUAGES = frozenset({"sh", "python", "toml", "json", "yaml", "text", "diff", "js", "html"})


class BlockError(ValueError):
    """A block or a marker that says nothing clear; the message has file and line."""


@dataclass(frozen=True)
class Block:
    """A fenced block: `fate` is one of the words above, `line` that of its fence, from 1.

    `says` is the marker's text: a file's name, the reason why it is not run.
    """

    page: Path
    line: int
    language: str
    text: str
    fate: str
    says: str = ""
    exit_codes: frozenset[int] = frozenset({0})

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.page.name}:{self.line}"


def to_be_followed() -> list[Path]:
    """Return the pages of the tutorial and of the how-tos, by the navigation."""
    parts = yaml.safe_load((ROOT / "docs" / "_toc.yml").read_text(encoding="utf-8"))["subtrees"]
    return [
        ROOT / f"{entry['file']}.md"
        for part in parts
        if part["caption"] in FOLLOWED
        for entry in part["entries"]
    ]


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, in its order. Raise BlockError."""
    return list(_blocks(page, page.read_text(encoding="utf-8")))


def _blocks(page: Path, text: str) -> Iterator[Block]:
    marker: tuple[str, str] | None = None
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        line = (token.map or [0])[0] + 1
        if token.type == "html_block":
            found = MARKER.match(token.content.strip())
            if marker and found:
                raise BlockError(f"{page.name}:{line}: no block follows the marker before this one")
            marker = (found[1], found[2] or "") if found else marker
        elif token.type == "code_block":
            raise BlockError(f"{page.name}:{line}: an indented block has no language: use a fence")
        elif token.type == "fence":
            yield _block(page, line, token.info.strip(), token.content, marker)
            marker = None
        elif marker and token.nesting >= 0 and token.type != "inline":
            raise BlockError(f"{page.name}:{line}: no block follows the marker `{marker[0]}`")


def _block(page: Path, line: int, language: str, text: str, marker: tuple[str, str] | None) -> Block:
    where = f"{page.name}:{line}"
    if language not in LANGUAGES:
        raise BlockError(f"{where}: the language {language!r} is none of {', '.join(sorted(LANGUAGES))}")
    kind, says = marker or ("", "")
    if kind in {"file", "not run"} and not says:
        raise BlockError(f"{where}: the marker `{kind}` says nothing")
    if kind == "exit" and language != "sh":
        raise BlockError(f"{where}: only commands end with an exit code")
    otherwise = RUN if language == "sh" else READ
    fates = {"file": FILE, "output": OUTPUT, "not run": NOT_RUN, "exit": RUN, "": otherwise}
    codes = frozenset(map(int, re.findall(r"\d+", says))) if kind == "exit" else frozenset({0})
    return Block(page, line, language, text, fates[kind], says if kind != "exit" else "", codes)
