"""`python -m harness`: a thin front over pytest for the scenarios, and the few things that are no tests."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from rich.console import Console

import harness.scenarios
from harness.client import Client, require
from harness.errors import HarnessError, UsageError
from harness.listing import plan_listing, scenario_runners
from harness.plan import Row, read_plan, select
from harness.profile import load_profile
from harness.reports.progress import Progress
from harness.stack import Services, doctor
from harness.target import running_target

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PASSWORD = "polling-demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code (0 pass, 1 promise broken, 2 wrong usage, 3 inconclusive)."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        return int(options.command(options))
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        print("harness: interrupted; everything it started has been ended", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help="run rows of the test plan against a server")
    run.add_argument("--only", action="append", default=[], metavar="ID", help="a row, or a pattern: 'ERR-*'")
    run.add_argument("--section", help="the rows of one section of the plan")
    run.add_argument("--seed", type=int, help="the source of every random choice (default: a new one, printed)")
    run.add_argument("--reports", type=Path, default=Path("reports/latest"), help="where results are written")
    _target_options(run)
    run.set_defaults(command=_run)

    plan = commands.add_parser("plan", help="list the rows of the test plan with what runs each")
    plan.set_defaults(command=_plan)

    check_services = commands.add_parser("doctor", help="say which services are found, and get the missing ones")
    check_services.set_defaults(command=_doctor)

    serve = commands.add_parser("serve", help="run a server with everything it needs until Ctrl-C")
    serve.add_argument("--port", type=int, default=8000, help="where it listens (default: 8000)")
    _target_options(serve)
    serve.set_defaults(command=_serve)

    execute = commands.add_parser("exec", help="start a server, run a command, end both")
    execute.add_argument("words", nargs="+", metavar="command", help="{base_url} stands for the server's URL")
    _target_options(execute)
    execute.set_defaults(command=_execute)
    return parser


def _target_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="reference", help="a bundled target's name, or a profile's path")
    parser.add_argument("--workers", type=int, help="server workers (default: the profile's)")


def _run(options: argparse.Namespace) -> int:
    plan_file = Path("TEST_REALTIME_MESSAGING.md")
    rows = read_plan(plan_file)
    load_profile(options.target)  # said before anything is started
    wanted = select(rows, options.only, options.section)
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
    progress = Progress(Console(), len(wanted), seed=seed, target=options.target, reports=options.reports)
    words = [
        str(Path(harness.scenarios.__file__).parent),
        *("-c", os.devnull, "--rootdir", str(Path.cwd()), "-o", "python_files=*.py"),
        *("-p", "harness.plugin", "-p", "no:terminal", "-p", "no:cacheprovider", "--strict-markers"),
        *("--timeout", "180", f"--junitxml={options.reports / 'junit.xml'}"),
        *("--harness-target", options.target, "--harness-seed", str(seed)),
        *("--harness-reports", str(options.reports), "--harness-plan", str(plan_file)),
        *("--harness-only", ",".join(row.id for row in wanted)),
    ]
    if options.workers is not None:
        words += ["--harness-workers", str(options.workers)]
    return int(pytest.main(words, plugins=[progress]))
