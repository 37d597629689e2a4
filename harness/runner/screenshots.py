"""The pictures that a row keeps in the run's folder, for its report."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from harness.errors import CannotWrite
from harness.history.recorder import REMEDY

FOLDER = "screenshots"


class Screenshots:
    """Keeps the pictures of one test; `kept` has their titles by file, relative to the run's folder."""

    def __init__(self, reports: Path, row: str) -> None:
        self._reports = reports
        self._row = row
        self.kept: dict[str, str] = {}

    def keep(self, title: str, image: bytes, suffix: str = ".webp") -> None:
        """Write a picture; `title` says what it shows. Raise CannotWrite."""
        stem = f"{FOLDER}/{self._row}-{_slug(title)}"
        for number in itertools.count(1):
            name = f"{stem}{f'-{number}' * (number > 1)}{suffix}"
            if _write_new(self._reports / name, image):
                self.kept[name] = title
                return


def _write_new(path: Path, image: bytes) -> bool:
    """Write a file, unless another process has; return whether it was written. Raise CannotWrite."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(path.parent, error, remedy=REMEDY) from error
    try:
        with path.open("xb") as file:
            file.write(image)
    except FileExistsError:
        return False
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
    return True


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "page"
