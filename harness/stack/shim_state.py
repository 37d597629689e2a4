"""The file through which the harness tells a shim what to do, and the shim how often it refused."""

from __future__ import annotations

import os
from pathlib import Path

from harness.stack.disk_shim import STATE, WORKS


class ShimState:
    """What the shim of one program does: a mode of `disk_shim.py`, and how many calls it refused."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> None:
        """Make the file, for a program that starts: every call succeeds."""
        self.path.write_bytes(STATE.pack(WORKS, 0))

    def set(self, mode: int) -> None:
        """Change the file in place: the shim has mapped it."""
        with self.path.open("r+b") as state:
            os.pwrite(state.fileno(), STATE.pack(mode, 0), 0)

    @property
    def refused(self) -> int:
        """How many calls were refused since the mode was last set."""
        return int(STATE.unpack(self.path.read_bytes())[1])
