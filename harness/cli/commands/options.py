"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.base_parser import Parser
from harness.interrupts import INTERRUPTED
from harness.option_types import above_0_up_to, count, whole

FAILED = {2: "wrong usage, or something is missing", 3: "the harness or its machine failed"}
VERDICTS = {
    0: "pass: every row passed",
    1: "fail: the server broke a promise",
    2: "wrong usage, or something is missing",
    3: "inconclusive or skipped: the run proved nothing",
    INTERRUPTED: "interrupted",
}
MINUTES = above_0_up_to(7 * 24 * 60, "minutes")


def repeatable(group: argparse._ArgumentGroup, option: str, *, metavar: str, help: str) -> None:
    """Add an option that may be given several times; its value is a list."""
    group.add_argument(option, action="append", default=[], metavar=metavar, help=f"{help}; repeatable")


def about_the_target(parser: Parser) -> None:
    """Add the options that choose the server and its workers."""
    target = parser.add_argument_group("the server")
    target.add_argument(
        "--target",
        default="reference",
        help="a bundled target's name, or the path of a profile (default: reference)",
    )
    target.add_argument(
        "--workers", type=count, metavar="N", help="its worker processes (default: the profile's)"
    )


def how_it_runs(parser: Parser) -> argparse._ArgumentGroup:
    """Return the group of options that say how a command runs, with the seed."""
    how = parser.add_argument_group("how")
    how.add_argument(
        "--seed", type=whole, metavar="N", help="the source of every random choice (default: a new one)"
    )
    return how


def minutes_of(how: argparse._ArgumentGroup) -> None:
    """Add how many minutes a command runs."""
    how.add_argument("--minutes", type=MINUTES, default=2.0, metavar="N", help="how long (default: 2)")


def about_results(parser: Parser) -> None:
    """Add where results are written, and how they are printed."""
    results = _results(parser, "reports/latest", what="results are")
    how_to_print(
        results,
        quiet="print only what failed, and the verdict",
        json="print the results as one JSON document; everything else goes to stderr",
    )


def how_to_print(group: argparse._ArgumentGroup, *, quiet: str, json: str) -> None:
    """Add `--quiet` and `--json`, of which a command takes one."""
    either = group.add_mutually_exclusive_group()
    either.add_argument("--quiet", action="store_true", help=quiet)
    either.add_argument("--json", action="store_true", help=json)


def about_its_log(parser: Parser) -> None:
    """Add where the server's log is written."""
    _results(parser, "reports", what="the server's log is")


def _results(parser: Parser, default: str, *, what: str) -> argparse._ArgumentGroup:
    results = parser.add_argument_group("results")
    results.add_argument(
        "--reports",
        type=Path,
        default=Path(default),
        metavar="FOLDER",
        help=f"where {what} written (default: {default})",
    )
    return results
