"""Tables and values as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; `|` in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """Return a text as code; '' where there is none."""
    return f"`{text}`" if str(text) else ""


def toml(value: object) -> str:
    """Return a value as TOML writes it, as code."""
    return code(json.dumps(value, ensure_ascii=False)) if value not in ({}, None) else ""


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends in a full stop; '' stays ''."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":", "?")) or not text else ".")
