"""The folder of a run's results: one run at a time holds it, and starts without an earlier run's results."""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError, reason_of
from harness.history.recorder import REMEDY

HISTORY = "history.jsonl"
RESULTS = "results.json"
AGAIN = "again"
"""The folder below, for the rows that are run once more."""
LOCK = ".run"
"""A lock file, which the system releases when a process ends; it names the run and its process."""
FILES = (
    *(HISTORY, "schedule.json", "verdicts.json", RESULTS, "report.html", "junit.xml"),
    *("seeds.jsonl", "seeds.json"),
)
FOLDERS = ("logs", "screenshots", "shrink", "seeds", ".locks", AGAIN)
_LONGEST_COMMAND = 120


def new_run() -> str:
    """Return an id that tells a run's processes from those of any other run."""
    return secrets.token_hex(8)


@contextmanager
def held(folder: Path, run: str, *, kept: Collection[str] = ()) -> Iterator[None]:
    """Hold the folder together with the other processes of this run; its first one clears the folder.

    What `kept` names stays. Raise UsageError where another run holds it, naming its process, or where it
    cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A command may name files that are not UTF-8: their bytes stay as they are.
        lock = (folder / LOCK).open("a+", encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise _unusable(folder, error) from error
    with lock:
        try:
            _join(lock, folder, run, kept)
        except OSError as error:
            raise _unusable(folder, error) from error
        yield


def _join(lock: TextIO, folder: Path, run: str, kept: Collection[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        _clear(folder, kept)
        lock.truncate(0)
        lock.write(f"{run}\n{_whoami()}\n")
        lock.flush()
    fcntl.flock(lock, fcntl.LOCK_SH)  # waits for no more than another's clearing
    lock.seek(0)
    holder, _, whose = lock.read().partition("\n")
    if holder != run:  # also where it was taken between our two locks
        raise UsageError(
            f"The folder {folder} is in use by another run, {whose.strip()}: wait until it ends, or {REMEDY}."
        )


def _clear(folder: Path, kept: Collection[str]) -> None:
    """Remove an earlier run's results, so that they are not mistaken for this run's."""
    for name in FILES:
        if name not in kept:
            (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        if name not in kept and (folder / name).exists():
            shutil.rmtree(folder / name)


def _whoami() -> str:
    command = shlex.join(sys.orig_argv)
    if len(command) > _LONGEST_COMMAND:
        command = command[:_LONGEST_COMMAND] + "…"
    return f"process {os.getpid()} (`{command}`), which started at {time.strftime('%H:%M:%S')}"


def _unusable(folder: Path, error: OSError) -> UsageError:
    said = reason_of(error)
    if error.filename and Path(error.filename) != folder:
        said = f"{error.filename}: {said}"
    return UsageError(f"The results cannot be written to {folder}: {said}; {REMEDY}.")
