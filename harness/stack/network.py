"""The network of a program as the harness sees it: the program can be kept from calling anyone.

`network_shim.py` runs the program and does what this asks for. A proxy in front of the program keeps others
from calling it, and cuts what is open in that direction; what the program itself has opened must be cut by
the proxies that it leads through.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.stack.disk_shim import CUT_OFF, WORKS
from harness.stack.shim_state import ShimState

SHIM = Path(__file__).with_name("network_shim.py")


class Network:
    """What a program can call that is started with `words` before its command. `place` is a new file."""

    def __init__(self, place: Path) -> None:
        self._state = ShimState(place)
        self.words = [sys.executable, "-I", "-S", str(SHIM), str(place)]

    def begin(self) -> None:
        """Prepare for a program that starts: it can call everyone."""
        self._state.begin()

    def cut(self) -> None:
        """Refuse every connection that it tries to open."""
        self._state.set(CUT_OFF)

    def work(self) -> None:
        """Let it open connections again."""
        self._state.set(WORKS)

    @property
    def refused(self) -> int:
        """How many connections were refused since it was last cut off."""
        return self._state.refused
