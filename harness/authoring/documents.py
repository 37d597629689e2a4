"""Reading the document or the recording that a profile is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError, reason_of

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(path: Path, what: str, *, allows_yaml: bool = False) -> Mapping[str, Any]:
    """Return the object in a JSON or YAML file; `what` is the kind of file in errors. Raise UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        value = _value(text, allows_yaml=allows_yaml)
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kinds = "neither JSON nor YAML" if allows_yaml else "not JSON"
        why = "it is nested too deeply" if isinstance(error, RecursionError) else _first_line(error)
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
    return yaml.load(text, Loader=_LOADER)  # a safe one


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem.splitlines()[0]}{f' in line {mark.line + 1}' if mark else ''}"


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "empty"}.get(type(value), "a single value")
