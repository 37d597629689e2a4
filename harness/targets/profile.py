"""The target profile: what the harness must know of a server before it can start it and judge it.

A profile is a TOML file; `harness/targets/reference.toml` documents every key. In `command`, `env` and
`limited` these names in braces are replaced: `python`, `host`, `port`, `workers`, `redis_url`, `mongodb_url`,
`database`, `secret`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from harness.errors import UsageError
from harness.history import Bounds
from harness.policy import Codes, Features, Policy, Statuses

TARGETS = Path(__file__).parent
REFERENCE = "reference"
"""The bundled target that the project's own tests look into."""


@dataclass(frozen=True)
class Profile:
    """One server under test. `ready_path` answers 200 once the server serves.

    `limited` is set beside `env` for rows about limits.

    `stores_as_the_contract` says whether its queues are the Redis lists that the contract names.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    limited: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/health/live"
    ready_within_s: float = 20.0
    workers: int = 2
    stores_as_the_contract: bool = True
    bounds: Bounds = field(default_factory=Bounds)
    policy: Policy = field(default_factory=Policy)
    statuses: Statuses = field(default_factory=Statuses)
    has: Features = field(default_factory=Features)

    @property
    def offers(self) -> Mapping[str, bool]:
        """What rows may be only for, by key."""
        return {"stores_as_the_contract": self.stores_as_the_contract, **asdict(self.has)}


def load_profile(name_or_path: str) -> Profile:
    """The profile of a bundled target by its name, or of any target by its file's path.

    Raises UsageError with one sentence when the file cannot be read or says something it may not.
    """
    path = TARGETS / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(target.stem for target in TARGETS.glob("*.toml")))
        raise UsageError(
            f"There is no target profile {name_or_path!r}: give the path of a TOML file or one of {known}."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The target profile {path} cannot be read: {error}.") from error
    try:
        return _profile(table)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The target profile {path} is wrong: {error}.") from error


def _profile(table: dict[str, Any]) -> Profile:
    for key in ("name", "command"):
        if key not in table:
            raise ValueError(f"the key {key!r} is missing")
    return Profile(**_values(table, Profile, ""))


def _values(table: Mapping[str, Any], kind: type[Any], prefix: str) -> dict[str, Any]:
    """A table's values as the fields of `kind` have them."""
    hints = get_type_hints(kind)
    known = sorted(known.name for known in fields(kind))
    for key in table:
        if key not in known:
            raise ValueError(f"the key '{prefix}{key}' is unknown; known are {', '.join(known)}")
    return {key: _value(value, hints[key], prefix + key) for key, value in table.items()}


def _value(value: Any, hint: Any, key: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return hint(**_values(_typed(value, dict, key), hint, f"{key}."))
    if hint == Codes:
        return _codes(value, key)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"'{key}' is {value!r}, not one of {', '.join(get_args(hint))}")
        return value
    if key == "command":
        return _command(value)
    if key in ("env", "limited"):
        return {name: str(one) for name, one in _typed(value, dict, key).items()}
    return _number(value, hint, key) if hint in (int, float) else _typed(value, hint, key)


def _number(value: Any, hint: type[int] | type[float], key: str) -> int | float:
    number: int | float = _typed(value, (int, float) if hint is float else int, key)
    if number <= 0:
        raise ValueError(f"'{key}' must be above 0")
    return number


def _codes(value: Any, key: str) -> Codes:
    codes = value if isinstance(value, list) else [value]
    if not codes or not all(type(code) is int and 400 <= code < 500 for code in codes):
        raise ValueError(
            f"'{key}' is {value!r}, which is neither a status from 400 to 499 nor a list of them"
        )
    return frozenset(codes)


def _command(value: Any) -> tuple[str, ...]:
    words = _typed(value, list, "command")
    if not words or not all(isinstance(word, str) for word in words):
        raise ValueError("'command' must be a list of strings that is not empty")
    return tuple(words)


def _typed(value: Any, expected: Any, key: str) -> Any:
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise TypeError(f"'{key}' is {value!r}, which is not of the right type")
    return value
