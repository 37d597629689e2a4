"""Sentences for a terminal: broken between words only, so that paths, ids and commands can be copied."""

from __future__ import annotations

import textwrap

from harness.printable import printable

BESIDE_WIDE = "\0"
"""In no printable text."""


def paragraph(text: str, width: int, *, first: str = "", indent: int = 0) -> str:
    """Return the text in lines of up to `width` columns; a longer word has a line to itself.

    The first line begins with `first`, the others with `indent` blanks.
    """
    filled = textwrap.fill(
        _as_wide_as_shown(printable(text)),
        width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(BESIDE_WIDE, "")


def _as_wide_as_shown(text: str) -> str:
    """Return the text with a second character beside each that takes two columns; textwrap counts those."""
    if text.isascii():
        return text
    from rich.cells import get_character_cell_size  # not for each help and each wrong word

    return "".join(each + BESIDE_WIDE * (get_character_cell_size(each) - 1) for each in text)
