"""Text that can be printed anywhere: on one line, and without anything that a terminal would obey."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with control characters, line breaks and lone surrogates written as escapes."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
