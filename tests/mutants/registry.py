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
"""Stands for a promise if the mutant must be caught by what the row itself expects, and not by a checker."""

Broken = TypeVar("Broken", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mutant:
    """A broken server, the row that must fail with it, and the promise that must be found broken.

    `says` is for the promise STORY: words that the row's reason must contain. `replaces` is what `broken`
    replaces in `reference_server`, as `module:name` or `module:Class.name`; None: `broken` is called, and
    breaks something. This happens in each worker after the fork, or once in the master with `in_master`.
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
        """Return the mutant's row in the table of docs/mutants.md."""
        return f"| {self.name} | {self.sentence} | {self.row} | `{self.promise}` |"

    def put_in(self) -> None:
        """Break this process's server. Raise AttributeError if what it replaces does not exist."""
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
    """Register the decorated function or class as a mutant; its mechanism is the name of its module."""

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
    """Return the holder of a place, its name there, and its value. Raise AttributeError if absent."""
    module, _, path = place.partition(":")
    *holders, name = path.split(".")
    holder = functools.reduce(getattr, holders, importlib.import_module(f"reference_server.{module}"))
    return holder, name, getattr(holder, name)
