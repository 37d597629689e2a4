"""Writing a report so that no reader ever sees half of one, and reading one back."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TypeVar

from harness.secrecy import without_secrets
from harness.typed import typed

T = TypeVar("T")


def write_atomically(path: Path, text: str) -> None:
    """Replace the file by one with this text; its folder is made if it is missing. Raise OSError.

    A lone surrogate, as in a file name that is not UTF-8, is written as an escape, which JSON reads back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(without_secrets(text))
        temporary.chmod(0o644)  # mkstemp makes it private; the folder decides who may read a report
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_typed(path: Path, kind: type[T], what: str) -> T:
    """Return what a file of JSON says. Raise OSError, and ValueError where it is not `what`."""
    try:
        return typed(json.loads(path.read_text(encoding="utf-8")), kind)
    except RecursionError as error:
        raise ValueError(f"{path} is not {what}: it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{path} is not {what}: {error}") from error
