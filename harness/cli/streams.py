"""The standard streams, prepared so that whatever a command prints can be printed."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shutil
import sys
from typing import IO, TextIO

from harness.errors import OutputLost
from harness.printable import printable
from harness.reports.paragraphs import paragraph


def prepare() -> None:
    """Let closed streams lead nowhere, use UTF-8 where the locale says ASCII, and notice failed writes.

    The next file that is opened would else get a closed stream's number.
    """
    for number in (0, 1, 2):
        _open_if_closed(number)
    sys.stdout = _stdout(sys.stdout)
    sys.stderr = _stderr(sys.stderr)


def complain(sentence: str, details: str = "") -> None:
    """Print why a command failed on stderr: on one line, which a terminal gets broken between words."""
    said = f"harness: {printable(sentence)}"
    if sys.stderr.isatty():
        said = paragraph(said, shutil.get_terminal_size().columns, indent=2)
    # Where stderr itself is broken, the exit code still says that the command failed.
    with contextlib.suppress(OSError):
        print("\n".join(filter(None, (said, details))), file=sys.stderr, flush=True)  # noqa: T201  for the user


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a stream leads to a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def apart(stream: IO[str]) -> TextIO | None:
    """Return a stream to the same place that stays there when the first one is replaced; None in memory."""
    try:
        own = os.dup(stream.fileno())
    except (OSError, ValueError):
        return None
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return _Output(io.BufferedWriter(io.FileIO(own, "w")), encoding=encoding, errors="backslashreplace")


class _Output(io.TextIOWrapper):
    """Stdout, or a stream to where it leads; what cannot be written raises OutputLost, once."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _lost(self, error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _lost(self, error) from error


def _lost(stream: TextIO, error: OSError) -> OutputLost:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())  # what is still buffered is written when Python ends
    os.close(nowhere)
    return OutputLost(
        f"What the command prints cannot be written to its standard output: {error.strerror};"
        " give it another with `> FILE`."
    )


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _stdout(stream: TextIO | None) -> TextIO:
    """Return the stream, or one in its place that raises OutputLost; one that was replaced stays."""
    if stream is None:
        return _Output(io.FileIO(1, "w", closefd=False), encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:
        return stream
    return _Output(
        stream.buffer,  # `sys.__stdout__` keeps the old stream, so that nothing closes it
        encoding=_encoding(stream),
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _stderr(stream: TextIO | None) -> TextIO:
    if stream is None:
        return io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=_encoding(stream), errors="backslashreplace")
    return stream


def _encoding(stream: TextIO) -> str:
    """Return the stream's encoding; UTF-8 for ASCII, which a system without a locale names."""
    return "utf-8" if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding
