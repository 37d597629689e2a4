"""Run one program in the foreground, with a state folder that is removed when it has ended."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def run_in_folder(prepare: Callable[[Path], Sequence[str]], name: str = "") -> int:
    """Run the command that `prepare` returns for a folder; return its exit code.

    SIGTERM and SIGINT are passed on to it. If this process is killed, the program is killed with it.
    """
    with state_folder(name) as folder:
        return run(prepare(folder))


@contextmanager
def state_folder(name: str = "") -> Iterator[Path]:
    """Give a folder, and remove it at the end; with a name it is the one that a killed process has left."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    if name:
        folder = Path(tempfile.gettempdir()) / f"stranger-{name}"
        folder.mkdir(exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="stranger-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run(command: Sequence[str]) -> int:
    """Run a program until it ends, with the signals to end it; return its exit code."""
    program = subprocess.Popen(dies_with_us(command))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: program.send_signal(number))
    return program.wait()


def dies_with_us(command: Sequence[str]) -> list[str]:
    """Return a command that is killed when this process is, where the system can do that."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command] if sys.platform == "linux" else [*command]
