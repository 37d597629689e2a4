"""A separate clock for a process, by libfaketime (https://github.com/wolfcw/libfaketime).

The library replaces the C library's clock functions in a program. At each call it reads the time to return
from a file, so a running program's clock can be set forward, set back, and stopped. Monotonic clocks stay
right: setting a real clock does not move them either.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import NotHere
from harness.stack.packages import Unavailable, Wheel, install

WHEEL = Wheel(
    "libfaketime",
    "3.0.1",
    "libfaketime/vendor/libfaketime/src/libfaketime.so.1",
    systems=("linux-x86_64",),
)
INSTALLED = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")
"""Where Debian's and Fedora's packages have it."""


class FakeClock:
    """The clock of the processes that are started with `env`; right until it is set. `file` is its own."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.env: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else each wait that a monotonic clock limits ends at once, and threads fight for Python's lock.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "TZ": "UTC",
        }
        self.set(0)

    def set(self, offset_s: int) -> None:
        """Put it `offset_s` seconds ahead of the right time (below 0: behind it)."""
        self._write(f"{offset_s:+d}s")

    def stop(self, at: datetime) -> None:
        """Stop it at a whole second."""
        self._write(f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}")

    def _write(self, setting: str) -> None:
        """Replace the file, so that a reader never sees half of it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(setting + "\n", encoding="utf-8")
        fresh.replace(self._file)


def faketime_library() -> Path:
    """Return libfaketime as a distribution installs it, else from its wheel, once.

    Raise NotHere where neither is available.
    """
    for pattern in INSTALLED:
        for place in Path("/").glob(pattern.removeprefix("/")):
            return place
    try:
        return install(WHEEL, say=lambda line: None, check=Path.stat)
    except Unavailable as error:
        raise NotHere(
            f"No clock can be set for a process: libfaketime is missing ({error}); on Debian and Ubuntu"
            " `apt-get install libfaketime` gets it."
        ) from error
