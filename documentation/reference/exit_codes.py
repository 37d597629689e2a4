"""What each exit code of each command means, and which errors end with which."""

from __future__ import annotations

import re

from documentation.markdown import sentence, table
from documentation.reference.command_line import _commands_of
from harness.cli.parser import parser

CODE = re.compile(r"^ {2}(\d+) +(.+)$", re.MULTILINE)
"""A line of the exit codes in the help of a command."""


def exit_codes() -> str:
    """Return the page."""
    whole = parser()
    found = [(name, dict(CODE.findall(each.epilog or ""))) for name, _, each in _commands_of(whole)]
    codes = sorted({number for _, of_one in found for number in of_one}, key=int)
    rows = (
        [f"[`{name}`](cli.md#{name})", *(of_one.get(number, "") for number in codes)]
        for name, of_one in found
    )
    words = table(
        ("Code", "Meaning"), ((number, sentence(says)) for number, says in CODE.findall(whole.epilog or ""))
    )
    return f"""# Exit codes

The exit code of `run` is the verdict of the run:

{words}

Of the commands, where an empty cell is a code with which the command does not end:

{table(("Command", *codes), rows)}

The server, `python -m reference_server`, ends with 0 after SIGTERM; 2 if a setting is illegal or the port is in use; 3 if
a worker cannot start.
"""
