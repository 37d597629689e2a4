"""Commands for the beginning: init, try, doctor, completion."""

from __future__ import annotations

from pathlib import Path

from harness.cli import dispatch
from harness.cli.base_parser import Commands, Parser
from harness.interrupts import INTERRUPTED
from harness.option_types import one_of
from harness.parts import PARTS
from harness.program import PROGRAM, SHORT_NAME

SHELLS = ("bash", "zsh", "fish")


def add_init(commands: Commands[Parser]) -> None:
    """Add `init`: the profile of a server."""
    starting = commands.add_parser(
        "init",
        help="write the profile of a server of your own",
        description="Write a commented profile: from the server's OpenAPI document, from a recording\n"
        "of a chat (a HAR, as browsers save it), or from answers to a few questions.\n"
        "Say what could not be told. `try` then shows whether it fits the server.",
        usage="[options]",
        examples={
            f"{PROGRAM} init": "ask a few questions, and write profile.toml",
            f"{PROGRAM} init --openapi openapi.yaml --output my_server.toml": "read its OpenAPI document",
            f"{PROGRAM} init --har chat.har --command './serve {{port}}'": "read a recording of a chat",
        },
        exit_codes={
            0: "the profile was written",
            2: "wrong usage, or the document cannot be read",
            3: "the profile cannot be written",
            INTERRUPTED: "interrupted",
        },
    )
    source = starting.add_argument_group("what to read").add_mutually_exclusive_group()
    source.add_argument("--openapi", type=Path, metavar="FILE", help="an OpenAPI 3 document, JSON or YAML")
    source.add_argument("--har", type=Path, metavar="FILE", help="a recording of a chat of two users")
    about = starting.add_argument_group("the server")
    about.add_argument("--name", help="its name (default: mine)")
    about.add_argument(
        "--command",
        dest="command_line",
        metavar="WORDS",
        help="what starts it, such as './serve {port}'",
    )
    about.add_argument("--url", help="of a server that runs already, instead of a command")
    results = starting.add_argument_group("results")
    results.add_argument(
        "--output",
        type=Path,
        default=Path("profile.toml"),
        metavar="FILE",
        help="where the profile is written (default: profile.toml)",
    )
    results.add_argument("--force", action="store_true", help="replace the file if it exists")
    results.add_argument("--yes", action="store_true", help="ask nothing: every default is right")
    starting.set_defaults(command=dispatch.init)


def add_try(commands: Commands[Parser]) -> None:
    """Add `try`: a profile walked through its server."""
    trying = commands.add_parser(
        "try",
        help="try a profile: does it describe its server?",
        description="Walk one message through the server of a profile: register, sign in, send, poll,\n"
        "poll again. Show each request as a curl line, its answer, what was read out of\n"
        "it, and what to write into the profile where something could not be found.",
        usage="PROFILE",
        examples={f"{PROGRAM} try my_server.toml": "try the profile of a server of your own"},
        exit_codes={
            0: "everything was read: the profile fits",
            2: "the profile is wrong or does not fit the server",
            3: "the server was not reached, was not started, or failed",
            INTERRUPTED: "interrupted",
        },
    )
    what = trying.add_argument_group("what to try")
    what.add_argument("profile", metavar="PROFILE", help="the path of a profile, or a bundled target's name")
    trying.set_defaults(command=dispatch.try_profile)


def add_doctor(commands: Commands[Parser]) -> None:
    """Add `doctor`: the services and the browser."""
    doctor = commands.add_parser(
        "doctor",
        help="show which services and which browser a run would use",
        description="Show which Redis, MongoDB, Toxiproxy and Chromium a run would use, and from\n"
        "where; or the command that gets what is missing. Only the rows that open pages\n"
        "need Chromium. It is installed with apt-get for root, else with Playwright.",
        usage="[options] [PART ...]",
        examples={
            f"{PROGRAM} doctor": "look, and change nothing",
            f"{PROGRAM} doctor --install": "get what is missing into your cache folder, and Chromium",
            f"{PROGRAM} doctor --install chromium": "get Chromium alone",
        },
        exit_codes={
            0: "everything that is needed is here",
            2: "a part is missing that is needed or was named",
        },
    )
    what = doctor.add_argument_group("what to look for")
    what.add_argument(
        "parts", nargs="*", metavar="PART", type=one_of(PARTS), help=f"{', '.join(PARTS)} (default: all)"
    )
    how = doctor.add_argument_group("how")
    how.add_argument("--install", action="store_true", help="get the missing ones")
    doctor.set_defaults(command=dispatch.doctor)


def add_completion(commands: Commands[Parser]) -> None:
    """Add `completion`: code for a shell."""
    completion = commands.add_parser(
        "completion",
        help="print what lets a shell complete commands, options and rows",
        description=f"Print the code with which a shell completes `{SHORT_NAME}`: commands, options,\n"
        "ids of rows, sections, targets, files. docs/terminal.md says where to keep it.",
        usage="SHELL",
        examples={
            f"{PROGRAM} completion bash": "print it for bash",
            f"{PROGRAM} completion fish | source": "use it in this shell, which is fish",
        },
        exit_codes={0: "it was printed", 2: "wrong usage"},
    )
    what = completion.add_argument_group("which shell")
    what.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    completion.set_defaults(command=dispatch.completion)
