"""The terminal that commands print to: text only, so that nothing a user names is taken for markup."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.reports.paragraphs import paragraph

console = Console(highlight=False, markup=False, emoji=False)


def say(sentence: str = "", *, style: str = "") -> None:
    """Print a sentence, broken between words; its further lines are indented."""
    line(paragraph(sentence, console.width, indent=2), style=style)


def line(text: str, *, style: str = "") -> None:
    """Print a line as it is, also where it is longer than the terminal is wide."""
    console.print(Text(text, style=style), soft_wrap=True)
