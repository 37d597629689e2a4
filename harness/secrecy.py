"""Values from the environment that profiles use: whatever is written or printed names them as `${NAME}`."""

from __future__ import annotations

import html
import json

SHORTEST = 8
"""A shorter value, such as a port, is no secret, and would be found in numbers everywhere."""
_NAMES: dict[str, str] = {}


def keep_secret(value: str, name: str) -> None:
    """Never write or print this value, which a profile took from the variable of this name."""
    if value:
        _NAMES[value] = name


def secrets_known() -> dict[str, str]:
    """Return the values that profiles took from the environment, with the names of their variables."""
    return dict(_NAMES)


def without_secrets(text: str) -> str:
    """Return a text without the secrets, also where they are escaped for JSON or HTML."""
    for value in sorted(_NAMES, key=len, reverse=True):
        if len(value) >= SHORTEST:
            for form in _forms(value):
                text = text.replace(form, f"${{{_NAMES[value]}}}")
    return text


def _forms(value: str) -> set[str]:
    return {value, html.escape(value), *escaped_in_json(value)}


def escaped_in_json(value: str) -> set[str]:
    """Return how a text is written inside a JSON string: with and without escapes for what is not ASCII."""
    return {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
