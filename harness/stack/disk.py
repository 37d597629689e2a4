"""The disk under a store's data, as the harness sees it: full, failing, or without what was not synced.

`disk_shim.py` runs the store and does what this asks for. It says what the disk does and does not show.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

from harness.errors import NotHere
from harness.stack.disk_shim import FAILING, FULL, HANGING, LYING, UNSUPPORTED, WORKS
from harness.stack.shim_state import ShimState

SHIM = Path(__file__).with_name("disk_shim.py")
BLOCK_BYTES = 4096
PIECE_BYTES = 256 * BLOCK_BYTES
TRIED_WITHIN_S = 30.0


class Disk:
    """The disk with one folder's files, for a program that is started with `words` before its command."""

    def __init__(self, data: Path) -> None:
        self.folder = data
        self._place = data.with_name(f"{data.name}-disk")
        self._state = ShimState(self._place / "state")
        self._synced = self._place / "synced"
        interpreter = [sys.executable, "-I", "-S", str(SHIM)]
        self.words = [*interpreter, str(self._state.path), str(data), str(self._synced)]

    def begin(self) -> None:
        """Prepare for a program that starts: the disk works, and all that is there is synced."""
        shutil.rmtree(self._place, ignore_errors=True)
        self._synced.mkdir(parents=True)
        self._state.begin()

    def work(self) -> None:
        """Let every call succeed again."""
        self._state.set(WORKS)

    def fill(self) -> None:
        """Refuse every write, as a filesystem without space does that also needs space to overwrite."""
        self._state.set(FULL)

    def fail(self) -> None:
        """Refuse every write and sync with an error of input and output."""
        self._state.set(FAILING)

    def lie(self) -> None:
        """Let syncs succeed that do nothing, as a disk does whose cache is lost without power."""
        self._state.set(LYING)

    def hang(self) -> None:
        """Let no sync end until the disk is set again: what is acked meanwhile is not synced."""
        self._state.set(HANGING)

    @property
    def refused(self) -> int:
        """How many calls were refused since the disk was last set."""
        return self._state.refused

    def lose_unsynced(self) -> int:
        """Restore each file to what was synced of it; return how many blocks of 4 KiB were lost.

        Only after every program on the disk was killed.
        """
        lost = 0
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            synced = self._synced / str(path.stat().st_ino)
            if synced.exists():
                lost += _differing_blocks(path, synced)
                synced.replace(path)
        return lost


@functools.cache
def require_disks() -> None:
    """Raise NotHere where the calls of a program cannot be supervised."""
    command = [sys.executable, "-I", "-S", str(SHIM), *("/dev/zero", "/", "/"), sys.executable, "-c", ""]
    tried = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=TRIED_WITHIN_S)
    if tried.returncode == UNSUPPORTED:
        raise NotHere(
            "No disk can be broken here: that needs Linux 5.5 or newer on x86-64 that allows seccomp's user"
            f" notifications ({tried.stderr.strip() or 'another system'})."
        )
    tried.check_returncode()


def _differing_blocks(one: Path, other: Path) -> int:
    """Return in how many blocks two files differ."""
    count = 0
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            pieces = first.read(PIECE_BYTES), second.read(PIECE_BYTES)
            if not any(pieces):
                return count
            if pieces[0] != pieces[1]:
                starts = range(0, max(map(len, pieces)), BLOCK_BYTES)
                count += sum(
                    pieces[0][at : at + BLOCK_BYTES] != pieces[1][at : at + BLOCK_BYTES] for at in starts
                )
