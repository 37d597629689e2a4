"""In which line of a TOML file each key is: Python's reader of TOML does not tell."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from harness.typed import Place

LONGEST_STATEMENT = 400
"""Lines: a longer array is not looked through."""


def lines_of(text: str) -> Mapping[Place, int]:
    """Return the number of the line of each table and key in a legal file, from 1."""
    lines: dict[Place, int] = {}
    table: Place = ()
    seen: Counter[Place] = Counter()
    for number, statement in _statements(text):
        values = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _header(values, seen)
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], number)
            continue
        for place in _places(values):
            lines.setdefault((*table, *place), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each key with its value, which can take several lines, and its first line."""
    begun, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if begun else number
        begun = f"{begun}\n{line}" if begun else line
        if _is_whole(begun):
            yield first, begun
            begun = ""
        elif number - first > LONGEST_STATEMENT:
            begun = ""


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return False
    return True


def _header(values: Any, seen: Counter[Place]) -> Place:
    """Return the place of a header's table; of `[[a]]` the next element of the list."""
    place: Place = ()
    while values:
        if isinstance(values, list):
            place = (*place, seen[place])
            seen[place[:-1]] += 1
            values = values[0]
        else:
            ((name, values),) = values.items()
            place = (*place, name)
            if seen[place] and not isinstance(values, list):
                place = (*place, seen[place] - 1)
    return (*place, seen[place]) if isinstance(values, list) and values else place


def _places(value: Any) -> Iterator[Place]:
    if isinstance(value, Mapping):
        pairs: Any = value.items()
    else:
        pairs = enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield (key,)
        yield from ((key, *rest) for rest in _places(each))
