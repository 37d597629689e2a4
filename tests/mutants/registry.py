"""What a mutant is, and what registers one.

A mutant of the server is a function or class of the reference server, replaced from outside by a broken one:
the server's own code has no switches for it. Its docstring says in one sentence what is wrong. Mutants of the
client are made in `patched_client`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

STORY = "story"
"""Stands for a promise if the mutant must be caught by what the row itself expects, and not by a checker."""

Broken = TypeVar("Broken", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mutant:
    """A broken server or client, the row that must fail with it, and the promise that must be found broken.

    `says` is for the promise STORY: words that the row's reason must contain.
    """

    name: str
    mechanism: str
    sentence: str
    row: str
    promise: str
    says: str
    quick: bool

    def documented(self) -> str:
        """Return the mutant's row in the table of docs/mutants.md."""
        return f"| {self.name} | {self.sentence} | {self.row} | `{self.promise}` |"

    def target(self, folder: Path) -> Path:
        """Write what runs the mutant into a folder; return the profile to give to the harness."""
        raise NotImplementedError


@dataclass(frozen=True)
class ServerMutant(Mutant):
    """A broken server.

    `replaces` is what `broken` replaces in `reference_server`, as `module:name` or `module:Class.name`; None:
    `broken` is called, and breaks something. This happens in each worker after the fork, or with `in_master`
    once in the master.
    """

    in_master: bool
    replaces: str | None
    broken: Callable[..., Any]

    def put_in(self) -> None:
        """Break this process's server. Raise AttributeError if what it replaces does not exist."""
        if self.replaces is None:
            self.broken()
        else:
            holder, name, _ = find(self.replaces)
            setattr(holder, name, self.broken)

    def target(self, folder: Path) -> Path:
        """Write the reference server's profile with another command."""
        from harness.targets.profile import REFERENCE, TARGETS  # a server has no use for the harness

        text = (TARGETS / f"{REFERENCE}.toml").read_text(encoding="utf-8")
        command = f'command = ["{{python}}", "-m", "tests.mutants.server", "{self.name}"]'
        profile = folder / "target.toml"
        profile.write_text(replaced_once(text, r"(?m)^command = .*$", command), encoding="utf-8")
        return profile


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

    def add(broken: Broken) -> Broken:
        name = broken.__name__.replace("_", "-")
        mechanism = broken.__module__.rpartition(".")[2]
        sentence = inspect.cleandoc(broken.__doc__ or "").replace("\n", " ")
        register(
            ServerMutant(name, mechanism, sentence, row, promise, says, quick, in_master, replaces, broken)
        )
        return broken

    return add


def register(mutant: Mutant) -> None:
    """Add a mutant to the list. Raise ValueError if there is one of this name."""
    if mutant.name in MUTANTS:
        raise ValueError(f"two mutants are called {mutant.name}")
    MUTANTS[mutant.name] = mutant


def replaced_once(text: str, pattern: str, instead: str) -> str:
    """Return a text in which a pattern that is there once is replaced. Raise ValueError if it is not."""
    changed, count = re.subn(pattern, lambda found: instead, text)
    if count != 1:
        raise ValueError(f"{pattern!r} is there {count} times, and not once")
    return changed


def find(place: str) -> tuple[Any, str, Any]:
    """Return the holder of a place, its name there, and its value. Raise AttributeError if absent."""
    module, _, path = place.partition(":")
    *holders, name = path.split(".")
    holder = functools.reduce(getattr, holders, importlib.import_module(f"reference_server.{module}"))
    return holder, name, getattr(holder, name)
