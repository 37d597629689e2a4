"""The terminal that commands print to: text only, so that nothing a user names is taken for markup."""

from __future__ import annotations

import os
from argparse import Namespace

from rich.console import Console, ConsoleDimensions, RenderableType
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

    def on_stderr(self) -> None:
        """Print on stderr from now on: stdout is for a program."""
        self.stderr = True
        self._color_system = self._detect_color_system()  # which was that of stdout

    def insist(self, text: RenderableType) -> None:
        """Print also where everything else is to be quiet."""
        was_quiet, self.quiet = self.quiet, False
        try:
            self.print(text, soft_wrap=True)
        finally:
            self.quiet = was_quiet


console = Terminal()


def print_as_asked(options: Namespace) -> None:
    """Let the console print as `--quiet` and `--json` say, where a command has them."""
    if getattr(options, "json", False):
        console.on_stderr()
    console.quiet = getattr(options, "quiet", False)


def insist(on: Console, text: RenderableType) -> None:
    """Print on a console also where it is to be quiet."""
    if isinstance(on, Terminal):
        on.insist(text)
    else:
        on.print(text, soft_wrap=True)


def say(sentence: str = "", *, style: str = "") -> None:
    """Print a sentence, broken between words; its further lines are indented."""
    line(paragraph(sentence, console.width, indent=2), style=style)


def line(text: str, *, style: str = "") -> None:
    """Print a line as it is, also where it is longer than the terminal is wide."""
    console.print(Text(text, style=style), soft_wrap=True)
