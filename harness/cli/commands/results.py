"""Commands that read what is written down: check, compare, plan."""

from __future__ import annotations

from pathlib import Path

from harness.cli import dispatch
from harness.cli.base_parser import Commands, Parser
from harness.cli.commands.options import FAILED, VERDICTS, how_to_print
from harness.interrupts import INTERRUPTED
from harness.program import PROGRAM

FORMATS = ("text", "markdown", "html", "json")


def add_check(commands: Commands[Parser]) -> None:
    """Add `check`: a recorded history judged again."""
    check = commands.add_parser(
        "check",
        help="judge a recorded history again",
        description="Judge the history of an earlier run again, for instance with newer checkers.",
        usage="[options] FILE",
        examples={
            f"{PROGRAM} check reports/latest/history.jsonl": "print the verdicts as JSON",
            f"{PROGRAM} check history.jsonl --reports again": "write them to again/verdicts.json",
        },
        exit_codes=VERDICTS,
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
    how_to_print(
        results,
        quiet="print only the rows that failed, and the verdict",
        json="print verdicts.json, also with --reports; everything else goes to stderr",
    )
    check.set_defaults(command=dispatch.check)


def add_compare(commands: Commands[Parser]) -> None:
    """Add `compare`: two runs."""
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
            2: FAILED[2],
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


def add_plan(commands: Commands[Parser]) -> None:
    """Add `plan`: the rows and their tests."""
    plan = commands.add_parser(
        "plan",
        help="list the test plan, with the tests that run each row",
        description="List every row of the test plan with the tests that run it, and compare the two.",
        usage="",
        examples={f"{PROGRAM} plan | less": "read it page by page"},
        exit_codes={0: "plan and tests agree", 2: "they disagree, or one of them cannot be read"},
    )
    plan.set_defaults(command=dispatch.plan)
