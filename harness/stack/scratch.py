"""Where the services of a run keep their data while it lasts: in memory where there is plenty, else on disk.

A majority write waits for the journal on disk, and a disk that other programs keep busy was seen to block for
half a second: as long as a server may wait for its store. Nothing here outlives the run, so memory is enough.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

from harness.errors import CannotWrite

IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 2**30
"""A mongod takes 0.3 GB, and three rows may run side by side."""


def scratch_folder(in_memory: Path = IN_MEMORY) -> Path:
    """Make a new folder; where TMPDIR is set, in it. Raise CannotWrite."""
    place = in_memory if "TMPDIR" not in os.environ and _has_room(in_memory) else None
    try:
        return Path(tempfile.mkdtemp(prefix="pollproof-", dir=place))
    except OSError as error:
        raise CannotWrite(
            place or "A temporary folder", error, remedy="TMPDIR=FOLDER names another"
        ) from error


def _has_room(place: Path) -> bool:
    if not os.access(place, os.W_OK | os.X_OK):
        return False
    return min(shutil.disk_usage(place).free, psutil.virtual_memory().available) >= ROOM_BYTES
