"""Profiles as files: TOML, bundled ones by their name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import UsageError, reason_of


def read_profile(what: str, name_or_path: str, bundled: Path) -> tuple[Path, dict[str, Any]]:
    """Return the path of a profile and its table; a name is that of a file in the folder `bundled`.

    `what` is the kind of profile in errors: 'target'. Raise UsageError when the file cannot be read.
    """
    path = bundled / f"{name_or_path}.toml"
    try:
        if not path.is_file():
            path = Path(name_or_path)
        return path, tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        known = ", ".join(sorted(profile.stem for profile in bundled.glob("*.toml")))
        raise UsageError(
            f"There is no {what} profile {name_or_path!r}: give the path of a TOML file or one of {known}."
        ) from None
    except RecursionError as error:
        raise UsageError(f"The {what} profile {path} cannot be read: it is nested too deeply.") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"The {what} profile {path} cannot be read: {reason_of(error)}.") from error
