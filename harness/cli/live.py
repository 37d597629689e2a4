"""The view of a run while it goes on: drawn anew on a terminal, a line in every minute elsewhere."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.cli import streams
from harness.cli.frame import Now, frame, plain
from harness.errors import OutputLost

PER_SECOND = 2.0
"""How often it is drawn anew: half of a percent of a processor."""
QUIET_S = 60.0
"""Where nothing can be drawn anew, a line says how far the run is when nothing else was said for so long."""


class LiveView:
    """Shows what `look` returns. Everything else that is printed on this console goes above it."""

    def __init__(self, console: Console, look: Callable[[], Now], *, quiet_s: float = QUIET_S) -> None:
        self._console = console
        self._look = look
        self._quiet_s = quiet_s
        self._said_at = time.monotonic()
        self.lost: OutputLost | None = None
        """Why it can no longer be shown."""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show it for the time of the context."""
        if self._console.quiet:
            yield
            return
        with self._drawn_anew() if can_be_drawn_anew(self._console) else self._said_now_and_then():
            yield

    def said(self) -> None:
        """Note that something was printed."""
        self._said_at = time.monotonic()

    @contextlib.contextmanager
    def _drawn_anew(self) -> Iterator[None]:
        live = _Live(self, self._console, self._drawn)
        with live:
            yield

    def _drawn(self) -> Text:
        return frame(self._look(), *self._console.size)

    @contextlib.contextmanager
    def _said_now_and_then(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._say, args=(over,), name="live view", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _say(self, over: threading.Event) -> None:
        while not over.wait(max(0.0, self._said_at + self._quiet_s - time.monotonic())):
            if time.monotonic() < self._said_at + self._quiet_s:
                continue
            try:
                self._console.print(Text(plain(self._look())), soft_wrap=True)
            except OutputLost as error:
                self.lost = error
                return
            self.said()


class _Live(Live):
    """Draws what `drawn` returns; a terminal that is gone ends no thread with a traceback."""

    def __init__(self, view: LiveView, console: Console, drawn: Callable[[], Text]) -> None:
        super().__init__(
            console=console,
            get_renderable=drawn,
            refresh_per_second=PER_SECOND,
            transient=True,
            redirect_stdout=False,  # pytest takes what tests print
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._view = view

    def refresh(self) -> None:
        """Draw it."""
        try:
            super().refresh()
        except OutputLost as error:
            self._view.lost = error


def can_be_drawn_anew(console: Console) -> bool:
    """Return whether the console is a terminal that a person looks at and that can move its cursor.

    FORCE_COLOR makes rich take a pipe for a terminal; no cursor moves in a pipe.
    """
    in_ci = os.environ.get("CI", "").casefold() not in ("", "0", "false")
    return streams.is_terminal(console.file) and not (console.is_dumb_terminal or in_ci)


@contextlib.contextmanager
def beside_captures(console: Console) -> Iterator[None]:
    """Let a console write to where stdout or stderr leads now, whatever pytest replaces them with."""
    file = console.file
    apart = streams.apart(file)
    if apart is None:
        yield
        return
    replaced, console._file = console._file, apart
    try:
        yield
    finally:
        console._file = replaced
        with contextlib.suppress(OSError):
            apart.close()
