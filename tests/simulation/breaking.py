"""Puts a mutant of tests/mutants into the server of this process, and takes it out again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.mutants.catalog import MUTANTS
from tests.mutants.registry import ServerMutant


@contextmanager
def broken_by(name: str) -> Iterator[None]:
    """Break the server by a mutant, and restore the modules and classes of the server after it.

    What their lists, dictionaries and sets hold is restored, too.
    """
    mutant = MUTANTS[name]
    assert isinstance(mutant, ServerMutant)
    before = [(holder, dict(vars(holder))) for holder in holders()]
    held = [(one, one.copy()) for _, values in before for name, one in values.items() if _is_held(name, one)]
    try:
        mutant.put_in()
        yield
    finally:
        for holder, values in before:
            _restore(holder, values)
        for container, content in held:
            _refill(container, content)


def holders() -> Iterator[Any]:
    """Yield the modules of the server that are imported, and their classes."""
    for name, module in list(sys.modules.items()):
        if name.startswith("reference_server"):
            yield module
            yield from (
                one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name
            )


def _restore(holder: Any, before: dict[str, Any]) -> None:
    for name, value in list(vars(holder).items()):
        if name not in before:
            delattr(holder, name)
        elif value is not before[name]:
            setattr(holder, name, before[name])


def _is_held(name: str, value: Any) -> bool:
    return type(value) in (list, dict, set) and not name.startswith("__")


def _refill(container: Any, content: Any) -> None:
    if container != content:
        container.clear()
        (container.extend if isinstance(container, list) else container.update)(content)
