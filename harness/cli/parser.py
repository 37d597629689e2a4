"""The command line of `python -m harness`: its commands, in the order in which its help lists them."""

from __future__ import annotations

from harness.cli.base_parser import Parser, Version
from harness.cli.commands import results, servers, setting_up, testing
from harness.cli.commands.options import VERDICTS
from harness.program import PROGRAM


def parser() -> Parser:
    """Return the parser of the whole command line; `command` of its result is the function to call."""
    program = Parser(
        prog=PROGRAM,
        usage="COMMAND [options]",
        description=(
            "Test a chat server that its clients poll: start it with real services, break\n"
            "them while messages are sent, and judge every promise that the server makes."
        ),
        examples={
            f"{PROGRAM} doctor --install": "get the services and Chromium, where they are missing",
            f"{PROGRAM} run": "run the whole test plan against the reference server",
            f"{PROGRAM} run --help": "show the options of a command",
        },
        exit_codes=VERDICTS,
    )
    program.add_argument("--version", action=Version, help="show the version and exit")
    commands = program.add_subparsers(title="commands", required=True, metavar="COMMAND", prog=PROGRAM)
    for add in (
        testing.add_run,
        setting_up.add_init,
        setting_up.add_try,
        testing.add_soak,
        testing.add_chaos,
        testing.add_shrink,
        testing.add_client,
        results.add_check,
        results.add_compare,
        results.add_plan,
        setting_up.add_doctor,
        servers.add_serve,
        servers.add_exec,
        setting_up.add_completion,
    ):
        add(commands)
    return program
