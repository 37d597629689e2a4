"""The target profile: what the harness must know of a server before it can start it and judge it.

A profile is a TOML file; `harness/targets/reference.toml` documents every key. In `command` and `env` these
names in braces are replaced: `python`, `host`, `port`, `workers`, `redis_url`, `mongodb_url`, `database`,
`secret`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.history import Bounds

TARGETS = Path(__file__).parent / "targets"


@dataclass(frozen=True)
class Profile:
    """One server under test. `ready_path` answers 200 once the server serves.

    `stores_as_the_contract` says whether its queues are the Redis lists that the contract names.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/health/live"
    ready_within_s: float = 20.0
    workers: int = 2
    stores_as_the_contract: bool = True
    bounds: Bounds = field(default_factory=Bounds)


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
    _only_known(table, Profile, "")
    for key in ("name", "command"):
        if key not in table:
            raise ValueError(f"the key {key!r} is missing")
    command = _typed(table["command"], list, "command")
    if not command or not all(isinstance(word, str) for word in command):
        raise ValueError("'command' must be a list of strings that is not empty")
    env = _typed(table.get("env", {}), dict, "env")
    bounds = _typed(table.get("bounds", {}), dict, "bounds")
    _only_known(bounds, Bounds, "bounds.")
    rest = {key: table[key] for key in table if key not in ("command", "env", "bounds")}
    for known in fields(Profile):
        if known.name in rest:
            expected = {"str": str, "int": int, "float": (int, float), "bool": bool}[str(known.type)]
            _typed(rest[known.name], expected, known.name)
    for key, value in bounds.items():
        if _typed(value, (int, float), f"bounds.{key}") <= 0:
            raise ValueError(f"'bounds.{key}' must be above 0")
    return Profile(
        command=tuple(command),
        env={key: str(value) for key, value in env.items()},
        bounds=Bounds(**bounds),
        **rest,
    )


def _only_known(table: Mapping[str, Any], kind: type[Any], prefix: str) -> None:
    known = {known.name for known in fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(f"the key '{prefix}{key}' is unknown; known are {', '.join(sorted(known))}")


def _typed(value: Any, expected: Any, key: str) -> Any:
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise TypeError(f"'{key}' is {value!r}, which is not of the right type")
    return value
