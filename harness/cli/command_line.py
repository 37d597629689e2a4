"""`python -m harness`: the command line."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from harness.cli import actions, streams
from harness.cli.chaos import chaos as play_chaos
from harness.errors import HarnessError, InfrastructureError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_CODES = "exit codes: 0 pass, 1 a promise was broken, 2 wrong usage, 3 inconclusive, 130 interrupted"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; 1 is a verdict, no failure of the harness."""
    streams.prepare()
    try:
        return _run(arguments)
    except HarnessError as error:
        streams.complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        streams.complain("interrupted; everything it started has been ended")
        return INTERRUPTED
    except OSError as error:
        streams.complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return InfrastructureError.exit_code
    except Exception:  # noqa: BLE001  a bug of the harness is no verdict on the server
        streams.complain(
            f"it failed by a bug of its own, to be reported with this:\n{traceback.format_exc()}"
        )
        return InfrastructureError.exit_code


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, _as_interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started us with &
    exit_code = int(options.command(options))
    sys.stdout.flush()  # what cannot be written is told here, not when Python ends
    return exit_code


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM and a closed terminal end a run like Ctrl-C does: through every `finally`."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness", description="Judge a polling messaging server.", epilog=EXIT_CODES
    )
    subparsers = parser.add_subparsers(required=True, metavar="command")

    run = subparsers.add_parser("run", help="run rows of the test plan against a server", epilog=EXIT_CODES)
    run.add_argument(
        "--only", action="append", default=[], metavar="ID", help="a row or a pattern, as 'ERR-*'; repeatable"
    )
    run.add_argument("--section", help="the rows of one section of the plan")
    run.add_argument("--jobs", type=_count, default=3, help="rows to run side by side (default: 3)")
    _about_a_run(run)
    run.set_defaults(command=actions.run)

    soak = subparsers.add_parser("soak", help="run the long rows: does anything grow?", epilog=EXIT_CODES)
    soak.add_argument("--minutes", type=float, default=2.0, help="how long (default: 2)")
    _about_a_run(soak)
    soak.set_defaults(command=actions.soak)

    check = subparsers.add_parser("check", help="judge a recorded history again", epilog=EXIT_CODES)
    check.add_argument("file", type=Path, help="a run's history.jsonl, whole or cut off")
    check.add_argument("--reports", type=Path, help="where verdicts.json is written (default: it is printed)")
    check.set_defaults(command=actions.check)

    chaos = subparsers.add_parser("chaos", help="run faults drawn from a seed", epilog=EXIT_CODES)
    chaos.add_argument("--minutes", type=float, default=2.0, help="how long (default: 2)")
    chaos.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FAULT",
        help="a store, a fault, or a pattern: 'redis *'",
    )
    chaos.add_argument("--dry-run", action="store_true", help="print the schedule, and run nothing")
    _about_a_run(chaos)
    chaos.set_defaults(command=play_chaos)

    plan = subparsers.add_parser("plan", help="list the rows of the test plan with what runs each")
    plan.set_defaults(command=actions.plan)

    doctor = subparsers.add_parser("doctor", help="say which services were found, and where")
    doctor.add_argument("--install", action="store_true", help="get the missing ones")
    doctor.set_defaults(command=actions.doctor)

    serve = subparsers.add_parser("serve", help="run a server and all it needs until Ctrl-C")
    serve.add_argument("--port", type=int, default=8000, help="where it listens (default: 8000)")
    _about_its_log(serve)
    _about_the_target(serve)
    serve.set_defaults(command=actions.serve)

    execute = subparsers.add_parser("exec", help="start a server, run a command, end both")
    _about_its_log(execute)
    execute.add_argument("words", nargs="+", metavar="word", help="{base_url} stands for the server's URL")
    _about_the_target(execute)
    execute.set_defaults(command=actions.execute)
    return parser


def _about_a_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, help="the source of every random choice (default: a new one)")
    parser.add_argument(
        "--reports", type=Path, default=Path("reports/latest"), help="where results are written"
    )
    _about_the_target(parser)


def _about_its_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where the server's log is written"
    )


def _about_the_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="reference", help="a bundled target's name, or a profile's path")
    parser.add_argument("--workers", type=_count, help="server workers (default: the profile's)")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
