"""Run one program in the foreground, with a state folder that is removed when it has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path


def run_in_folder(prepare: Callable[[Path], Sequence[str]]) -> int:
    """Run the command that `prepare` returns for a new folder; return its exit code.

    SIGTERM and SIGINT are passed on to it. If this process is killed, the program is killed with it.
    """
    with tempfile.TemporaryDirectory(prefix="stranger-") as name:
        program = subprocess.Popen(_dies_with_us(prepare(Path(name))))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: program.send_signal(number))
        return program.wait()


def _dies_with_us(command: Sequence[str]) -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL", "--", *command] if sys.platform == "linux" else [*command]
