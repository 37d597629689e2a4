"""Completion of the command line in bash, zsh and fish, by argcomplete: at TAB the shell runs this program.

Only then is anything imported for it, and only what the word at the cursor needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import argcomplete
from argcomplete.completers import FilesCompleter
from argcomplete.shell_integration import shellcode

from harness.errors import HarnessError
from harness.program import SHORT_NAME

HARNESS = Path(__file__).parents[1]
PROFILES = {"client": HARNESS / "polling_clients" / "reference"}
"""Where the bundled profiles of a command's `--target` are, if not among the servers'."""
Words = Mapping[str, str]
"""What can be completed, each with what it means."""
Source = Callable[[str, str], Words]
"""Given the command and what is typed of the word, return what can be completed."""


def complete(program: argparse.ArgumentParser) -> NoReturn:
    """Answer the shell that asks how `program` is completed, and end."""
    for name, command in _commands(program):
        for action in command._actions:
            _add_completer(action, name)
    argcomplete.autocomplete(program, always_complete_options="long")
    sys.exit(1)  # only where the shell did not ask in its way


def completion(options: argparse.Namespace) -> int:
    """Print the code that a shell runs to learn how the program is completed."""
    sys.stdout.write(shellcode([SHORT_NAME], shell=options.shell).strip() + "\n")
    return 0


def _commands(program: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in program._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _add_completer(action: argparse.Action, command: str) -> None:
    words = _WORDS.get((action.dest, command)) or _WORDS.get((action.dest, ""))
    if words is not None:
        completer: object = _completer(words, command)
    elif action.type is Path:
        completer = FilesCompleter()
    elif action.choices is None:
        completer = _nothing  # a number or a name: no file is meant
    else:
        return
    action.completer = completer  # type: ignore[attr-defined]  # where argcomplete looks for it


def _completer(words: Source, command: str) -> Callable[..., Words]:
    def completer(prefix: str, **_: object) -> Words:
        try:
            found = words(command, prefix)
        except (HarnessError, OSError):
            return {}  # a plan that cannot be read: the command itself will say why
        return {word: meaning for word, meaning in found.items() if word.startswith(prefix)}

    return completer


def _nothing(**_: object) -> Words:
    return {}


def _rows(command: str, prefix: str) -> Words:
    from harness.plan import find_plan, read_plan

    path = HARNESS / "polling_clients" / "plan.md" if command == "client" else find_plan()
    return {row.id: row.title for row in read_plan(path)}


def _sections(command: str, prefix: str) -> Words:
    from harness.plan import find_plan, read_plan

    return {row.section: "" for row in read_plan(find_plan())}


def _targets(command: str, prefix: str) -> Words:
    """Return the bundled profiles, and the files and folders that may be one."""
    bundled = PROFILES.get(command, HARNESS / "targets").glob("*.toml")
    files = FilesCompleter(allowednames=("toml",))
    return {file.stem: "" for file in sorted(bundled)} | dict.fromkeys(files(prefix), "")


def _faults(command: str, prefix: str) -> Words:
    from harness.chaos.catalog import CATALOG, ON_REQUEST

    kinds = (*CATALOG, *ON_REQUEST)
    stores = {kind.store: "all of these" for kind in kinds}
    return stores | {kind.full_name: "" for kind in kinds}


def _parts(command: str, prefix: str) -> Words:
    from harness.parts import PARTS

    return dict.fromkeys(PARTS, "")


_WORDS: Mapping[tuple[str, str], Source] = {
    ("only", ""): _rows,
    ("only", "chaos"): _faults,
    ("section", ""): _sections,
    ("target", ""): _targets,
    ("profile", ""): _targets,
    ("parts", ""): _parts,
}
"""What an option or argument of a command is completed with; '' stands for every command that has it."""
