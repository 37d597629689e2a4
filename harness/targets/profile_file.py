"""Profiles as files: TOML, bundled ones by their name; what is wrong is said with its line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError, reason_of
from harness.printable import printable
from harness.targets.toml_lines import lines_of
from harness.targets.variables import filled
from harness.typed import Misfit, Place, spelled, value_at

LONGEST_VALUE = 60
"""Characters of a value that a sentence quotes."""
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class ProfileFile:
    """The file of a profile; `kind` is 'target' or 'client', `table` what it says."""

    kind: str
    path: Path
    text: str
    table: dict[str, Any]

    def filled(self, *, templates: Sequence[Place], left: Sequence[Place] = ()) -> dict[str, Any]:
        """Return the table, filled in from the environment; see `variables.filled`. Raise UsageError."""
        try:
            return dict(filled(self.table, templates=templates, left=left))
        except Misfit as misfit:
            raise self.wrong(misfit) from None

    def wrong(self, error: ValueError) -> UsageError:
        """Return the error that says what is wrong, in which line, and with which value."""
        key = error.key if isinstance(error, Misfit) else ()
        line = self._line(key, str(error))
        where = f"in line {line}, " if line else ""
        value = self._value(key) if isinstance(error, Misfit) and error.shows_value else ""
        shown = f", not {value}" if value else ""
        return UsageError(f"The {self.kind} profile {self.path} is wrong: {where}{error}{shown}.")

    def _value(self, key: Place) -> str:
        """Return the value as the file has it, without what the environment filled in; '' if it has none."""
        try:
            value = value_at(self.table, key)
        except (LookupError, TypeError):
            return ""
        if isinstance(value, dict) or not key:
            return ""
        text = printable(json.dumps(value, ensure_ascii=False, default=str))
        return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

    def _line(self, key: Place, sentence: str) -> int | None:
        """Return the line of a key, or of the first key that the sentence quotes; None if it has neither."""
        lines = lines_of(self.text)
        if key in lines:
            return lines[key]
        quoted = [each.partition(" = ")[0] for each in _QUOTED.findall(sentence)]
        by_name = {spelled(place): line for place, line in lines.items()}
        found = [by_name[name] for name in quoted if name in by_name]
        return next(iter(found), lines.get(key[:-1]))


def read_profile(what: str, name_or_path: str, bundled: Path) -> ProfileFile:
    """Return the file of a profile; a name is that of a file in the folder `bundled`.

    `what` is the kind of profile in errors: 'target'. Raise UsageError when the file cannot be read.
    """
    path = bundled / f"{name_or_path}.toml"
    try:
        if not path.is_file():
            path = Path(name_or_path)
        text = path.read_text(encoding="utf-8-sig")
        return ProfileFile(what, path, text, tomllib.loads(text))
    except FileNotFoundError:
        known = ", ".join(sorted(profile.stem for profile in bundled.glob("*.toml")))
        raise UsageError(
            f"There is no {what} profile {name_or_path!r}: give the path of a TOML file or one of {known}."
        ) from None
    except RecursionError as error:
        raise UsageError(f"The {what} profile {path} cannot be read: it is nested too deeply.") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"The {what} profile {path} cannot be read: {reason_of(error)}.") from error
