"""Runs a program that can be cut off from what it would call: `python -I -S network_shim.py STATE COMMAND…`.

The kernel asks this program's child before each `connect` of COMMAND and its children, as in `disk_shim.py`.
Connections that are open already stay open, and others can still connect to COMMAND: see `network.py`.

STATE   a file with the mode, and how many connections were refused in that mode
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import select
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # an isolated interpreter does not look there

from disk_shim import ANSWER, CALL, CONTINUE, CUT_OFF, RECEIVE, SEND, STATE, run_supervised  # type: ignore[import-not-found]

CONNECT = 42
"""The number of the system call on x86-64."""


class Supervisor:
    """Answers for each connection whether it is tried or refused."""

    def __init__(self, state: str) -> None:
        with Path(state).open("r+b") as file:
            self._state = mmap.mmap(file.fileno(), STATE.size)

    def serve(self, listener: int) -> None:
        """Answer every call until the last process has ended."""
        asked = select.poll()
        asked.register(listener, select.POLLIN)
        while not asked.poll()[0][1] & select.POLLHUP:
            call = bytearray(CALL.size)
            with suppress(FileNotFoundError, InterruptedError):  # its thread was interrupted or killed
                fcntl.ioctl(listener, RECEIVE, call)
                error = self._error()
                answer = ANSWER.pack(CALL.unpack(call)[0], 0, -error, 0 if error else CONTINUE)
                fcntl.ioctl(listener, SEND, answer)

    def _error(self) -> int:
        mode, refused = STATE.unpack(self._state[:])
        if mode == CUT_OFF:
            self._state[:] = STATE.pack(mode, refused + 1)
            return errno.ECONNREFUSED
        return 0


if __name__ == "__main__":
    run_supervised((CONNECT,), sys.argv[2:], lambda: Supervisor(sys.argv[1]))
