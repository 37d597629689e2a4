"""The terminal that commands print to: text only, so that nothing a user names is taken for markup."""

from __future__ import annotations

import os

from rich.console import Console, ConsoleDimensions
from rich.text import Text

from harness.reports.paragraphs import paragraph


class Terminal(Console):
    """A console that is as wide as where it prints, also while pytest has the standard streams."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    @property
    def size(self) -> ConsoleDimensions:
        """How many columns and lines there are."""
        if self._width is None and not self.is_dumb_terminal:  # COLUMNS sets it
            try:
                return ConsoleDimensions(*os.get_terminal_size(self.file.fileno()))
            except (OSError, ValueError):  # a pipe, or no file of the system
                pass
        return super().size

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        self._width, self._height = new


console = Terminal()


def say(sentence: str = "", *, style: str = "") -> None:
    """Print a sentence, broken between words; its further lines are indented."""
    line(paragraph(sentence, console.width, indent=2), style=style)


def line(text: str, *, style: str = "") -> None:
    """Print a line as it is, also where it is longer than the terminal is wide."""
    console.print(Text(text, style=style), soft_wrap=True)
