"""Which scenarios inject faults, as far as their code says so."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType

FAULTS = "faults"
"""What a scenario's `run` calls them: `run.faults.redis_refused()`."""


def injects_faults(scenario: object) -> bool:
    """Return whether a scenario, or a function of its module that it names, names `faults`."""
    return isinstance(scenario, FunctionType) and FAULTS in _names(scenario, set())


def _names(function: FunctionType, seen: set[str]) -> set[str]:
    found = set(_in_code(function.__code__))
    for name in found - seen:
        seen.add(name)
        called = function.__globals__.get(name)
        if isinstance(called, FunctionType) and called.__module__ == function.__module__:
            found |= _names(called, seen)
    return found


def _in_code(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _in_code(inner)
