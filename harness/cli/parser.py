"""The commands and options of `python -m harness`, and their help."""

from __future__ import annotations

import argparse
import difflib
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness.cli import dispatch
from harness.cli.seeds import seeds_from
from harness.interrupts import INTERRUPTED
from harness.parts import PARTS
from harness.printable import printable
from harness.program import PROGRAM, SHORT_NAME

SHELLS = ("bash", "zsh", "fish")
_FAILED = {2: "wrong usage, or something is missing", 3: "the harness or its machine failed"}
_VERDICTS = {
    0: "pass: every row passed",
    1: "fail: the server broke a promise",
    2: "wrong usage, or something is missing",
    3: "inconclusive or skipped: the run proved nothing",
    INTERRUPTED: "interrupted",
}
FORMATS = ("text", "markdown", "html", "json")
_MOST_MINUTES = 7 * 24 * 60


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


class _Version(argparse.Action):
    """Prints the version, which is looked up only then: that takes as long as everything else here."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            said = f"{SHORT_NAME} {version(SHORT_NAME)}"
        except PackageNotFoundError:
            said = f"{SHORT_NAME}, not installed: run from its checkout"
        parser._print_message(f"{said}\n", sys.stdout)  # `exit` would print it on stderr
        parser.exit()


Commands = argparse._SubParsersAction  # what add_subparsers returns has no public name


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
        exit_codes=_VERDICTS,
    )
    program.add_argument("--version", action=_Version, help="show the version and exit")
    commands = program.add_subparsers(title="commands", required=True, metavar="COMMAND", prog=PROGRAM)
    for add in (
        _run,
        _init,
        _try,
        _soak,
        _chaos,
        _shrink,
        _client,
        _check,
        _compare,
        _plan,
        _doctor,
        _serve,
        _exec,
        _completion,
    ):
        add(commands)
    return program


def _run(commands: Commands[Parser]) -> None:
    run = commands.add_parser(
        "run",
        help="run the test plan against a server",
        description="Run rows of the test plan against a server. Without options: every row but the\n"
        "long ones, against the reference server.",
        usage="[options]",
        examples={
            f"{PROGRAM} run --only 'ERR-*' --only FLOW-02": "run some rows",
            f"{PROGRAM} run --target my_server.toml --workers 4": "test another server",
            f"{PROGRAM} run --only CHAOS-01 --seed 7 --jobs 1": "repeat a row with the same random choices",
        },
        exit_codes=_VERDICTS,
    )
    what = run.add_argument_group("what to run")
    what.add_argument(
        "--only", action="append", default=[], metavar="ID", help="a row or a pattern: 'ERR-*'; repeatable"
    )
    what.add_argument("--section", metavar="NAME", help="the rows of one section, such as message-flow")
    _about_the_target(run)
    how = _how(run)
    how.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="the most rows to run side by side (default: by the processors)",
    )
    _about_results(run)
    run.set_defaults(command=dispatch.run)


def _init(commands: Commands[Parser]) -> None:
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


def _try(commands: Commands[Parser]) -> None:
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


def _soak(commands: Commands[Parser]) -> None:
    soak = commands.add_parser(
        "soak",
        help="run the long rows: does memory or latency grow?",
        description="Run the long rows of the test plan: does anything grow while a chat stays open?",
        usage="[options]",
        examples={f"{PROGRAM} soak --minutes 60": "chat for an hour"},
        exit_codes=_VERDICTS,
    )
    _about_the_target(soak)
    _minutes_of(_how(soak))
    _about_results(soak)
    soak.set_defaults(command=dispatch.soak)


def _chaos(commands: Commands[Parser]) -> None:
    chaos = commands.add_parser(
        "chaos",
        help="inject faults drawn from a seed",
        description="Draw a schedule of faults from a seed, play it under traffic, and judge every\n"
        "promise over the whole of it. The same seed draws the same schedule. Of many\n"
        "seeds, play one after the other on one stack, and sum up what happened.",
        usage="[options]",
        examples={
            f"{PROGRAM} chaos --seed 7 --minutes 5": "play five minutes of the faults of seed 7",
            f"{PROGRAM} chaos --seed 7 --dry-run": "print them only",
            f"{PROGRAM} chaos --seeds 1000 --minutes 0.5 --jobs 2": "play seeds 1 to 1000; --resume goes on",
            f"{PROGRAM} chaos --only redis --only 'server *'": "inject faults of these kinds only",
            f"{PROGRAM} chaos --cluster replica-set --cluster sentinel": "break clusters of the stores",
            f"{PROGRAM} chaos --schedule shrunk.json": "play the faults of a file",
        },
        exit_codes=_VERDICTS,
    )
    what = chaos.add_argument_group("what to run")
    what.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FAULT",
        help="a store, a fault, or a pattern: 'redis *'; repeatable",
    )
    what.add_argument(
        "--cluster",
        action="append",
        default=[],
        metavar="NAME",
        help="replica-set, sentinel or redis-cluster in the place of the single store; repeatable",
    )
    what.add_argument(
        "--schedule", type=Path, metavar="FILE", help="a schedule.json instead of a new schedule"
    )
    what.add_argument("--dry-run", action="store_true", help="print the schedule, and run nothing")
    _about_the_target(chaos)
    how = chaos.add_argument_group("how")
    seeds = how.add_mutually_exclusive_group()
    seeds.add_argument(
        "--seed",
        dest="seeds",
        type=_seeds,
        metavar="N",
        help="the source of every random choice, or several: 1-20 or 3,17 (default: a new one)",
    )
    seeds.add_argument("--seeds", type=_first_seeds, metavar="COUNT", help="play this many seeds, from 1 on")
    how.add_argument(
        "--resume", action="store_true", help="go on with seeds: run what is missing or undecided"
    )
    how.add_argument(
        "--jobs", type=_count, default=1, metavar="N", help="seeds to play side by side (default: 1)"
    )
    how.add_argument("--lane", action="store_true", help=argparse.SUPPRESS)  # a part of a command with --jobs
    _minutes_of(how)
    _about_results(chaos)
    chaos.set_defaults(command=dispatch.chaos, target=None, minutes=None)  # a schedule has its own


def _shrink(commands: Commands[Parser]) -> None:
    shrink = commands.add_parser(
        "shrink",
        help="make a failed run of chaos small",
        description="Find the smallest schedule of faults, with the fewest users and workers, that\n"
        "still breaks the same promise in the same way as a failed run of chaos. Write\n"
        "it to shrunk.json in the run's folder, for `chaos --schedule`.",
        usage="[options] FOLDER",
        examples={
            f"{PROGRAM} shrink reports/latest": "make the last run small",
            f"{PROGRAM} shrink reports/latest --minutes 60 --runs 10 --needed 7": "make a rare failure small",
        },
        exit_codes={
            0: "the smallest schedule that was found is in shrunk.json",
            2: _FAILED[2],
            3: "nothing fails often enough, or the harness failed",
            INTERRUPTED: "interrupted",
        },
    )
    what = shrink.add_argument_group("what to make small")
    what.add_argument("folder", type=Path, metavar="FOLDER", help="the results of the failed run")
    what.add_argument(
        "--promise", metavar="NAME", help="which of the broken promises (default: the first one)"
    )
    how = shrink.add_argument_group("how")
    how.add_argument(
        "--minutes", type=_minutes, default=30.0, metavar="N", help="when to stop (default: after 30)"
    )
    how.add_argument(
        "--runs", type=_count, default=3, metavar="N", help="runs of each schedule, at most (default: 3)"
    )
    how.add_argument("--needed", type=_count, default=2, metavar="K", help="how many must fail (default: 2)")
    how.add_argument("--jobs", type=_count, default=2, metavar="N", help="runs side by side (default: 2)")
    shrink.set_defaults(command=dispatch.shrink)


def _client(commands: Commands[Parser]) -> None:
    client = commands.add_parser(
        "client",
        help="judge a polling client instead of a server",
        description="Run a polling client, a page or a program, against a server that misbehaves in\n"
        "legal ways, and judge what the client does. docs/clients.md says how to write\n"
        "the profile of a client.",
        usage="[options]",
        examples={
            f"{PROGRAM} client": "judge the client of this project",
            f"{PROGRAM} client --target my_client.toml": "judge another client",
            f"{PROGRAM} client --target my_client.toml --only CLIENT-10": "run one row",
        },
        exit_codes=_VERDICTS | {1: "fail: the client broke a promise"},
    )
    what = client.add_argument_group("what to run")
    what.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="a row or a pattern: 'CLIENT-1*'; repeatable",
    )
    target = client.add_argument_group("the client")
    target.add_argument(
        "--target",
        default="reference",
        help="a bundled client's name, or the path of a profile (default: reference)",
    )
    how = _how(client)
    how.add_argument(
        "--jobs", type=_count, default=2, metavar="N", help="rows to run side by side (default: 2)"
    )
    _about_results(client)
    client.set_defaults(command=dispatch.client)


def _check(commands: Commands[Parser]) -> None:
    check = commands.add_parser(
        "check",
        help="judge a recorded history again",
        description="Judge the history of an earlier run again, for instance with newer checkers.",
        usage="[options] FILE",
        examples={
            f"{PROGRAM} check reports/latest/history.jsonl": "print the verdicts as JSON",
            f"{PROGRAM} check history.jsonl --reports again": "write them to again/verdicts.json",
        },
        exit_codes=_VERDICTS,
    )
    what = check.add_argument_group("what to judge")
    what.add_argument("file", type=Path, metavar="FILE", help="a run's history.jsonl, whole or cut off")
    results = check.add_argument_group("results")
    results.add_argument(
        "--reports",
        type=Path,
        metavar="FOLDER",
        help="where verdicts.json is written (default: it is printed)",
    )
    _how_to_print(
        results,
        quiet="print only the rows that failed, and the verdict",
        json="print verdicts.json, also with --reports; everything else goes to stderr",
    )
    check.set_defaults(command=dispatch.check)


def _compare(commands: Commands[Parser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="say what got better or worse between two runs",
        description="Compare two runs: of one server before and after a change, or of two servers.\n"
        "Rows, promises and kinds of finding are compared as they are; delivery times,\n"
        "and the figures of a bench.json and a capacity.json, beyond their noise. What\n"
        "only one of the runs has is not compared.",
        usage="[options] BEFORE AFTER",
        examples={
            f"{PROGRAM} compare reports/main reports/latest": "what a change did",
            f"{PROGRAM} compare theirs ours --format html --output comparison.html": "two servers",
        },
        exit_codes={
            0: "nothing got worse",
            1: "something got worse",
            2: _FAILED[2],
            3: "the second run did not decide what the first one had decided",
            INTERRUPTED: "interrupted",
        },
    )
    what = compare.add_argument_group("what to compare")
    for name, which in (("before", "first"), ("after", "second")):
        what.add_argument(
            name,
            type=Path,
            metavar=name.upper(),
            help=f"the results of the {which} run: a folder, or one of its files",
        )
    results = compare.add_argument_group("results")
    form = results.add_mutually_exclusive_group()
    form.add_argument(
        "--format", choices=FORMATS, default="text", help="(default: text; json has what is the same, too)"
    )
    form.add_argument(
        "--json", action="store_const", const="json", dest="format", help="the same as --format json"
    )
    results.add_argument(
        "--output", type=Path, metavar="FILE", help="where it is written (default: it is printed)"
    )
    compare.set_defaults(command=dispatch.compare)


def _plan(commands: Commands[Parser]) -> None:
    plan = commands.add_parser(
        "plan",
        help="list the test plan, with the tests that run each row",
        description="List every row of the test plan with the tests that run it, and compare the two.",
        usage="",
        examples={f"{PROGRAM} plan | less": "read it page by page"},
        exit_codes={0: "plan and tests agree", 2: "they disagree, or one of them cannot be read"},
    )
    plan.set_defaults(command=dispatch.plan)


def _doctor(commands: Commands[Parser]) -> None:
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
        "parts", nargs="*", metavar="PART", type=_part, help=f"{', '.join(PARTS)} (default: all)"
    )
    how = doctor.add_argument_group("how")
    how.add_argument("--install", action="store_true", help="get the missing ones")
    doctor.set_defaults(command=dispatch.doctor)


def _serve(commands: Commands[Parser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="run a server for yourself, until Ctrl-C",
        description="Run a server and everything it needs, with two demo users, until Ctrl-C.",
        usage="[options]",
        examples={
            f"{PROGRAM} serve": "run the reference server at http://127.0.0.1:8000",
            f"{PROGRAM} serve --port 9000 --workers 4": "run it elsewhere, with more processes",
        },
        exit_codes={0: "ended by Ctrl-C", **_FAILED},
    )
    _about_the_target(serve)
    how = serve.add_argument_group("how")
    how.add_argument(
        "--port", type=_whole, default=8000, metavar="N", help="the port it listens on (default: 8000)"
    )
    _about_its_log(serve)
    serve.set_defaults(command=dispatch.serve)


def _exec(commands: Commands[Parser]) -> None:
    execute = commands.add_parser(
        "exec",
        help="start a server, run a command against it, end both",
        description="Start a server and everything it needs, run a command against it, and end both.",
        usage="[options] -- WORD ...",
        examples={
            f"{PROGRAM} exec -- curl {{base_url}}/health/ready": "ask a new server whether it is ready",
            f"{PROGRAM} exec -- sh -c 'echo {{base_url}}; sh'": "open a shell beside a new server",
        },
        exit_codes={**_FAILED, INTERRUPTED: "interrupted; every other one is the command's own"},
    )
    what = execute.add_argument_group("what to run")
    what.add_argument(
        "words", nargs="+", metavar="WORD", help="the command; {base_url} stands for the server's URL"
    )
    _about_the_target(execute)
    _about_its_log(execute)
    execute.set_defaults(command=dispatch.execute)


def _completion(commands: Commands[Parser]) -> None:
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


def _about_the_target(parser: Parser) -> None:
    target = parser.add_argument_group("the server")
    target.add_argument(
        "--target",
        default="reference",
        help="a bundled target's name, or the path of a profile (default: reference)",
    )
    target.add_argument(
        "--workers", type=_count, metavar="N", help="its worker processes (default: the profile's)"
    )


def _how(parser: Parser) -> argparse._ArgumentGroup:
    how = parser.add_argument_group("how")
    how.add_argument(
        "--seed", type=_whole, metavar="N", help="the source of every random choice (default: a new one)"
    )
    return how


def _minutes_of(how: argparse._ArgumentGroup) -> None:
    how.add_argument("--minutes", type=_minutes, default=2.0, metavar="N", help="how long (default: 2)")


def _about_results(parser: Parser) -> None:
    results = parser.add_argument_group("results")
    results.add_argument(
        "--reports",
        type=Path,
        default=Path("reports/latest"),
        metavar="FOLDER",
        help="where results are written (default: reports/latest)",
    )
    _how_to_print(
        results,
        quiet="print only what failed, and the verdict",
        json="print the results as one JSON document; everything else goes to stderr",
    )


def _how_to_print(group: argparse._ArgumentGroup, *, quiet: str, json: str) -> None:
    either = group.add_mutually_exclusive_group()
    either.add_argument("--quiet", action="store_true", help=quiet)
    either.add_argument("--json", action="store_true", help=json)


def _about_its_log(parser: Parser) -> None:
    results = parser.add_argument_group("results")
    results.add_argument(
        "--reports",
        type=Path,
        default=Path("reports"),
        metavar="FOLDER",
        help="where the server's log is written (default: reports)",
    )


def _part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(PARTS)}")
    return text


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _first_seeds(text: str) -> tuple[int, ...]:
    return _seeds(f"1-{_count(text)}")


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return seeds_from(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes <= _MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to {_MOST_MINUTES}")
    return minutes
