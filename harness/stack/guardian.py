"""The harness's side of its reaper, which ends and removes what the harness itself no longer can."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError

REAPER = Path(__file__).with_name("reaper.py")
DISMISS_DEADLINE_S = 10.0


class Guardian:
    """Holds the pipe to the reaper, whose process starts with the first thing to guard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def pipe(self) -> int:
        """Return the pipe's file descriptor, through which a child reports itself (see `launch`)."""
        with self._lock:
            if self._process is None or self._owner != os.getpid():
                self._owner = os.getpid()
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(REAPER)], stdin=subprocess.PIPE, start_new_session=True
                )
            assert self._process.stdin is not None
            return self._process.stdin.fileno()

    def tell(self, **note: Any) -> None:
        """Send the reaper one note. Raise InfrastructureError when it is gone."""
        try:
            os.write(self.pipe(), (json.dumps(note) + "\n").encode())
        except BrokenPipeError as error:
            raise InfrastructureError(
                "The harness's reaper process has ended; start the run again."
            ) from error

    def dismiss(self) -> None:
        """Let the reaper end what is still there, and then itself."""
        if self._process is not None and self._owner == os.getpid():
            self._process.communicate(timeout=DISMISS_DEADLINE_S)


GUARDIAN = Guardian()
atexit.register(GUARDIAN.dismiss)  # before `processes` registers its own, so that this comes after it
