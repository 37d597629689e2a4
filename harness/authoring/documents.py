"""Reading the document or the recording that a profile is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError, reason_of


def read_document(path: Path, what: str, *, allows_yaml: bool = False) -> Mapping[str, Any]:
    """Return the object in a JSON or YAML file; `what` is the kind of file in errors. Raise UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        value = _value(text, allows_yaml=allows_yaml)
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, RecursionError) as error:
        kinds = "neither JSON nor YAML" if allows_yaml else "not JSON"
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise UsageError(f"The {what} {path} is {kinds}: {why}.") from error
    if not isinstance(value, Mapping):
        raise UsageError(f"The {what} {path} is not an object but {_kind(value)}.")
    return value


def _value(text: str, *, allows_yaml: bool) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if not allows_yaml or not text.strip():
            raise
    return _from_yaml(text)


def _from_yaml(text: str) -> Any:
    """Return the value of a YAML text. Raise ValueError, whose first line says why."""
    import yaml  # only here: it would make the start of every command slower

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"{problem.splitlines()[0]}{where}") from error


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "empty"}.get(type(value), "a single value")
