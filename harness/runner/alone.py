"""Rows side by side, and rows that measure and must have the machine to themselves."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.errors import CannotWrite
from harness.history.recorder import REMEDY


@contextmanager
def the_machine(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the machine together with others, or `alone`; the locks are files in `folder`.

    A row that waits to be alone keeps the gate shut meanwhile; else there might always be another row.
    Raise CannotWrite.
    """
    with _lock_file(folder / ".gate") as gate, _lock_file(folder / ".machine") as machine:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


def _lock_file(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
