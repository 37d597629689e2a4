"""Sentences for a terminal: broken between words only, so that paths, ids and commands can be copied."""

from __future__ import annotations

import textwrap

from harness.printable import printable


def paragraph(text: str, width: int, *, first: str = "", indent: int = 0) -> str:
    """Return the text in lines of up to `width` columns; a longer word has a line to itself.

    The first line begins with `first`, the others with `indent` blanks.
    """
    return textwrap.fill(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
