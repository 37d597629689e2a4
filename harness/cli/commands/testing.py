"""Commands that test a server or a client: run, soak, chaos, shrink, client."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import dispatch
from harness.cli.base_parser import Commands, Parser
from harness.cli.commands.options import (
    FAILED,
    MINUTES,
    VERDICTS,
    about_results,
    about_the_target,
    how_it_runs,
    minutes_of,
    repeatable,
)
from harness.cli.seeds import first_seeds, seeds
from harness.interrupts import INTERRUPTED
from harness.option_types import count
from harness.program import PROGRAM


def add_run(commands: Commands[Parser]) -> None:
    """Add `run`: the test plan against a server."""
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
        exit_codes=VERDICTS,
    )
    what = run.add_argument_group("what to run")
    repeatable(what, "--only", metavar="ID", help="a row or a pattern: 'ERR-*'")
    what.add_argument("--section", metavar="NAME", help="the rows of one section, such as message-flow")
    about_the_target(run)
    how = how_it_runs(run)
    how.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="the most rows to run side by side (default: by the processors)",
    )
    about_results(run)
    run.set_defaults(command=dispatch.run)


def add_soak(commands: Commands[Parser]) -> None:
    """Add `soak`: the long rows."""
    soak = commands.add_parser(
        "soak",
        help="run the long rows: does memory or latency grow?",
        description="Run the long rows of the test plan: does anything grow while a chat stays open?",
        usage="[options]",
        examples={f"{PROGRAM} soak --minutes 60": "chat for an hour"},
        exit_codes=VERDICTS,
    )
    about_the_target(soak)
    minutes_of(how_it_runs(soak))
    about_results(soak)
    soak.set_defaults(command=dispatch.soak)


def add_chaos(commands: Commands[Parser]) -> None:
    """Add `chaos`: faults drawn from a seed."""
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
        exit_codes=VERDICTS,
    )
    what = chaos.add_argument_group("what to run")
    repeatable(what, "--only", metavar="FAULT", help="a store, a fault, or a pattern: 'redis *'")
    repeatable(
        what,
        "--cluster",
        metavar="NAME",
        help="replica-set, sentinel or redis-cluster in the place of the single store",
    )
    what.add_argument(
        "--schedule", type=Path, metavar="FILE", help="a schedule.json instead of a new schedule"
    )
    what.add_argument("--dry-run", action="store_true", help="print the schedule, and run nothing")
    about_the_target(chaos)
    how = chaos.add_argument_group("how")
    which = how.add_mutually_exclusive_group()
    which.add_argument(
        "--seed",
        dest="seeds",
        type=seeds,
        metavar="N",
        help="the source of every random choice, or several: 1-20 or 3,17 (default: a new one)",
    )
    which.add_argument("--seeds", type=first_seeds, metavar="COUNT", help="play this many seeds, from 1 on")
    how.add_argument(
        "--resume", action="store_true", help="go on with seeds: run what is missing or undecided"
    )
    how.add_argument(
        "--jobs", type=count, default=1, metavar="N", help="seeds to play side by side (default: 1)"
    )
    how.add_argument("--lane", action="store_true", help=argparse.SUPPRESS)  # a part of a command with --jobs
    minutes_of(how)
    about_results(chaos)
    chaos.set_defaults(command=dispatch.chaos, target=None, minutes=None)  # a schedule has its own


def add_shrink(commands: Commands[Parser]) -> None:
    """Add `shrink`: a failed run of chaos made small."""
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
            2: FAILED[2],
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
        "--minutes", type=MINUTES, default=30.0, metavar="N", help="when to stop (default: after 30)"
    )
    how.add_argument(
        "--runs", type=count, default=3, metavar="N", help="runs of each schedule, at most (default: 3)"
    )
    how.add_argument("--needed", type=count, default=2, metavar="K", help="how many must fail (default: 2)")
    how.add_argument("--jobs", type=count, default=2, metavar="N", help="runs side by side (default: 2)")
    shrink.set_defaults(command=dispatch.shrink)


def add_client(commands: Commands[Parser]) -> None:
    """Add `client`: the test plan of polling clients."""
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
        exit_codes=VERDICTS | {1: "fail: the client broke a promise"},
    )
    what = client.add_argument_group("what to run")
    repeatable(what, "--only", metavar="ID", help="a row or a pattern: 'CLIENT-1*'")
    target = client.add_argument_group("the client")
    target.add_argument(
        "--target",
        default="reference",
        help="a bundled client's name, or the path of a profile (default: reference)",
    )
    how = how_it_runs(client)
    how.add_argument(
        "--jobs", type=count, default=2, metavar="N", help="rows to run side by side (default: 2)"
    )
    about_results(client)
    client.set_defaults(command=dispatch.client)
