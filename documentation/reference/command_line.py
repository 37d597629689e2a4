"""The commands of the harness, of the server and of the benchmarks, from the parsers that read them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from documentation.markdown import code, sentence, table
from harness.cli.parser import parser


def command_line() -> str:
    """Return the page."""
    whole = parser()
    commands = _commands_of(whole)
    names = table(
        ("Command", "What it does"),
        ((f"[`{name}`](#{name})", sentence(help_)) for name, help_, _ in commands),
    )
    sections = "\n\n".join(_section(name, each) for name, _, each in commands)
    return f"""# The command line

`pollproof COMMAND` and `python -m harness COMMAND` are the same. `--help` after any of them shows what is here.

{names}

{sections}
"""


def _commands_of(whole: argparse.ArgumentParser) -> list[tuple[str, str, argparse.ArgumentParser]]:
    """Return the name, the help and the parser of each command."""
    (several,) = (each for each in whole._actions if isinstance(each, argparse._SubParsersAction))
    helps = {each.dest: each.help or "" for each in several._choices_actions}
    return [(name, helps[name], each) for name, each in several.choices.items()]


def _section(name: str, command: argparse.ArgumentParser) -> str:
    options = list(_options_of(command))
    rows = [(_words(action), sentence(action.help or ""), _legal(action)) for action in options]
    shown = f"\n\n{table(('Argument', 'Meaning', 'Legal'), rows)}" if rows else ""
    usage = command.usage or ""
    return f"""## {name}

{" ".join((command.description or "").split())}

```text
{usage.replace("%(prog)s", command.prog)}

{command.epilog}
```{shown}"""


def _options_of(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for group in command._action_groups:
        for action in group._group_actions:
            if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
                yield action


def _words(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(code(f"{word}{value}") for word in action.option_strings) or code(action.metavar)


def _legal(action: argparse.Action) -> str:
    return ", ".join(map(code, action.choices or ()))
