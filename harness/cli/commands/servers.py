"""Commands that start a server for somebody else: serve, exec."""

from __future__ import annotations

from harness.cli import dispatch
from harness.cli.base_parser import Commands, Parser
from harness.cli.commands.options import FAILED, about_its_log, about_the_target
from harness.interrupts import INTERRUPTED
from harness.option_types import whole
from harness.program import PROGRAM


def add_serve(commands: Commands[Parser]) -> None:
    """Add `serve`: a server for a person."""
    serve = commands.add_parser(
        "serve",
        help="run a server for yourself, until Ctrl-C",
        description="Run a server and everything it needs, with two demo users, until Ctrl-C.",
        usage="[options]",
        examples={
            f"{PROGRAM} serve": "run the reference server at http://127.0.0.1:8000",
            f"{PROGRAM} serve --port 9000 --workers 4": "run it elsewhere, with more processes",
        },
        exit_codes={0: "ended by Ctrl-C", **FAILED},
    )
    about_the_target(serve)
    how = serve.add_argument_group("how")
    how.add_argument(
        "--port", type=whole, default=8000, metavar="N", help="the port it listens on (default: 8000)"
    )
    about_its_log(serve)
    serve.set_defaults(command=dispatch.serve)


def add_exec(commands: Commands[Parser]) -> None:
    """Add `exec`: a server for a command."""
    execute = commands.add_parser(
        "exec",
        help="start a server, run a command against it, end both",
        description="Start a server and everything it needs, run a command against it, and end both.",
        usage="[options] -- WORD ...",
        examples={
            f"{PROGRAM} exec -- curl {{base_url}}/health/ready": "ask a new server whether it is ready",
            f"{PROGRAM} exec -- sh -c 'echo {{base_url}}; sh'": "open a shell beside a new server",
        },
        exit_codes={**FAILED, INTERRUPTED: "interrupted; every other one is the command's own"},
    )
    what = execute.add_argument_group("what to run")
    what.add_argument(
        "words", nargs="+", metavar="WORD", help="the command; {base_url} stands for the server's URL"
    )
    about_the_target(execute)
    about_its_log(execute)
    execute.set_defaults(command=dispatch.execute)
