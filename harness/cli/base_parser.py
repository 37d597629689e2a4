"""A parser of one command: examples and exit codes in its help, one line for each error, near words."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from harness.printable import printable
from harness.program import PROGRAM, SHORT_NAME

Commands = argparse._SubParsersAction  # what add_subparsers returns has no public name


class Parser(argparse.ArgumentParser):
    """A parser that prints examples and exit codes as they are written, and errors on one line."""

    def __init__(
        self, *, examples: Mapping[str, str], exit_codes: Mapping[int, str], usage: str, **more: Any
    ) -> None:
        lines = ["examples:"]
        for command, meaning in examples.items():
            lines += [f"  {command}", f"      {meaning}"]
        lines += ["", "exit codes:", *(f"  {code:<5}{meaning}" for code, meaning in exit_codes.items())]
        super().__init__(
            usage=f"%(prog)s {usage}".rstrip(),
            epilog="\n".join(lines),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **more,
        )

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, which may quote what was typed; end with exit code 2."""
        if message.endswith("required: COMMAND"):
            message += f"; {PROGRAM} --help lists them"
        super().error(printable(message))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse like argparse, but let a command refuse what it does not know: with its own usage."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._hint(unknown)}")
        return options, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise ArgumentError for a word that is not one of the choices, with the nearest ones."""
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            is_command = isinstance(action, Commands)
            options = self._option_string_actions if is_command else ()
            what = "command" if is_command else "choice"
            meant = did_you_mean([*known, *options], str(value)) or f"; choose from {', '.join(known)}"
            raise argparse.ArgumentError(action, f"there is no {what} {str(value)!r}{meant}")

    def _hint(self, unknown: Sequence[str]) -> str:
        """Return what the unknown words most likely mean; '' where nothing is similar."""
        if not unknown[0].startswith("-"):
            return f"; did you mean --only {unknown[0]}?" if "--only" in self._option_string_actions else ""
        if " -- " in (self.usage or ""):
            return "; write -- before the command that has them"
        options = (word.partition("=")[0] for word in unknown if word.startswith("-"))
        return next(filter(None, (did_you_mean(self._option_string_actions, one) for one in options)), "")


def did_you_mean(known: Collection[str], wanted: str) -> str:
    """Return "; did you mean …?" with up to three of the most similar words; '' where none is similar."""
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


class Version(argparse.Action):
    """Prints the version, which is looked up only then: that takes as long as everything else here."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print the version and exit."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            said = f"{SHORT_NAME} {version(SHORT_NAME)}"
        except PackageNotFoundError:
            said = f"{SHORT_NAME}, not installed: run from its checkout"
        parser._print_message(f"{said}\n", sys.stdout)  # `exit` would print it on stderr
        parser.exit()
