"""Secrets in profiles: `${NAME}` in a string is the environment's variable, and `$${` a `${`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.secrecy import keep_secret
from harness.typed import Misfit, Place

_VARIABLE = re.compile(r"\$(\$?)\{(\w*)\}?")


def filled(
    value: Any, *, templates: Sequence[Place] = (), left: Sequence[Place] = (), place: Place = ()
) -> Any:
    """Return a value in which all strings are filled in from the environment; keys stay.

    In those below the `templates`, names in braces are replaced later: there the braces of a variable's
    value are doubled. Those below `left` stay as they are. Raise Misfit when there is no such variable.
    """
    if any(_is_below(place, each) for each in left):
        return value
    if isinstance(value, str):
        return _filled(value, place, doubles=any(_is_below(place, each) for each in templates))
    if isinstance(value, Mapping):
        pairs: Any = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return value
    inner = {key: filled(each, templates=templates, left=left, place=(*place, key)) for key, each in pairs}
    return inner if isinstance(value, Mapping) else list(inner.values())


def _filled(text: str, place: Place, *, doubles: bool) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        if not found[0].endswith("}"):
            return found[0]
        value = _value(found[2], place)
        return value.replace("{", "{{").replace("}", "}}") if doubles else value

    return _VARIABLE.sub(one, text)


def _value(name: str, place: Place) -> str:
    value = os.environ.get(name) if name else None
    if value is None:
        raise Misfit(f"the environment has no variable {name!r} for ${{{name}}}", place, shows_value=False)
    keep_secret(value, name)
    return value


def _is_below(place: Place, other: Place) -> bool:
    """Return whether a place is inside of another; None in that one is any step."""
    return len(place) >= len(other) and all(
        theirs in (None, ours) for ours, theirs in zip(place, other, strict=False)
    )
