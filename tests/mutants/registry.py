"""What a mutant is, and the decorator that registers one.

A mutant is a function or class of the reference server, replaced from outside by a broken one: the server's
own code has no switches for it. Its docstring says in one sentence what is wrong.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

STORY = "story"
"""Stands for a promise where it is what the row itself expects, and no checker, that must be disappointed."""

Broken = TypeVar("Broken", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mutant:
    """A broken server, the row that must fail with it, and the promise that must be found broken.

    `says` is for the promise STORY: words that the row's reason must hold. `replaces` is the place in
    `reference_server` that `broken` takes, as `module:name` or `module:Class.name`; None: `broken` is called,
    and breaks something. That is done in each worker after the fork, or once in the master with `in_master`.
    """

    name: str
    mechanism: str
    sentence: str
    row: str
    promise: str
    says: str
    quick: bool
    in_master: bool
    replaces: str | None
    broken: Callable[..., Any]

    def documented(self) -> str:
        """Give the mutant's row in the table of docs/mutants.md."""
        return f"| {self.name} | {self.sentence} | {self.row} | `{self.promise}` |"

    def put_in(self) -> None:
        """Break this process's server. Raises AttributeError if what it replaces is not there any more."""
        if self.replaces is None:
            self.broken()
        else:
            holder, name, _ = find(self.replaces)
            setattr(holder, name, self.broken)


MUTANTS: dict[str, Mutant] = {}
"""Every mutant by its name, once `tests.mutants.catalog` is imported."""


def mutant(
    *,
    row: str,
    promise: str,
    replaces: str | None = None,
    says: str = "",
    quick: bool = False,
    in_master: bool = False,
) -> Callable[[Broken], Broken]:
    """Register what is decorated as a mutant; its mechanism is the module it stands in."""

    def register(broken: Broken) -> Broken:
        name = broken.__name__.replace("_", "-")
        if name in MUTANTS:
            raise ValueError(f"two mutants are called {name}")
        mechanism = broken.__module__.rpartition(".")[2]
        sentence = inspect.cleandoc(broken.__doc__ or "").replace("\n", " ")
        MUTANTS[name] = Mutant(
            name, mechanism, sentence, row, promise, says, quick, in_master, replaces, broken
        )
        return broken

    return register


def find(place: str) -> tuple[Any, str, Any]:
    """Give who holds a place, under which name, and what stands there. Raises AttributeError."""
    module, _, path = place.partition(":")
    *holders, name = path.split(".")
    holder = functools.reduce(getattr, holders, importlib.import_module(f"reference_server.{module}"))
    return holder, name, getattr(holder, name)
