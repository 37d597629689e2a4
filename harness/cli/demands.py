"""Which promises each scenario judges, as far as its code names their checkers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from harness import scenarios
from harness.checkers import CHECKERS, promise_of

JUDGED_BESIDE = {"no-loss": "retention-told"}
"""What `run.check` judges as well, where a row names a promise."""


def promises_by_row() -> dict[str, frozenset[str]]:
    """Return the promises that a row may judge, by its id; more than it judges, but never fewer."""
    found = dict[str, frozenset[str]]()
    for info in pkgutil.iter_modules(scenarios.__path__):
        module = importlib.import_module(f"{scenarios.__name__}.{info.name}")
        for function in filter(_is_scenario, vars(module).values()):
            named = set(map(promise_of, _checkers(function, module, set())))
            beside = {JUDGED_BESIDE[promise] for promise in named if promise in JUDGED_BESIDE}
            for row in _rows_of(function):
                found[row] = found.get(row, frozenset()) | named | beside
    return found


def _is_scenario(value: object) -> bool:
    return isinstance(value, FunctionType) and bool(_rows_of(value))


def _rows_of(function: Any) -> list[str]:
    marks = getattr(function, "pytestmark", ())
    return [str(row) for mark in marks if mark.name == "plan" for row in mark.args]


def _checkers(function: FunctionType, module: ModuleType, seen: set[str]) -> Iterator[Any]:
    """Yield the checkers that a function names, and those that functions of its module do that it names."""
    yield from _among([*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()])
    names = set(_names(function.__code__)) - seen
    seen |= names
    for name in names:
        value = vars(module).get(name)
        yield from _among([value])
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield from _checkers(value, module, seen)


def _among(values: list[Any]) -> Iterator[Any]:
    for value in values:
        several = value if isinstance(value, tuple) else (value,)
        yield from (each for each in several if each in CHECKERS.values())


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
