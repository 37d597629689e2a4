"""`python -m harness chaos`: draw a schedule of faults, print it, play it, and judge what happened."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from rich.table import Table

from harness.chaos import scenario
from harness.chaos.catalog import CATALOG, ChaosFault, of_upstreams
from harness.chaos.possible import chosen, possible
from harness.chaos.schedule import FaultSchedule, draw, quiet_s
from harness.cli.actions import find_services, results_folder, run_rows, with_seed
from harness.cli.console import console, line, say
from harness.plan import read_plan
from harness.reports.words import quantities
from harness.stack.stores import others
from harness.targets.profile import REFERENCE, load_profile

PAGE = Path(scenario.__file__ or "").with_name("plan.md")
PATIENCE_S = 180.0


class _Given:
    """A pytest plugin that hands the schedule to the scenario: what is played is what was printed."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._schedule = schedule

    @pytest.fixture
    def schedule(self) -> FaultSchedule:
        """The faults, and when."""
        return self._schedule


def chaos(options: Namespace) -> int:
    """Print the schedule of a seed and, without `--dry-run`, play it. Return the exit code."""
    with_seed(options)
    profile = load_profile(options.target)
    kinds_of_all = (*CATALOG, *of_upstreams(others(profile.stores)))
    wanted = chosen(kinds_of_all, options.only)
    services = find_services(profile.stores)
    kinds, left_out = possible(wanted, profile, services)
    _say_left_out(left_out)
    quiet = quiet_s(profile.bounds)
    schedule = draw(options.seed, kinds, total_s=options.minutes * 60, quiet_s=quiet)
    say(f"Chaos for {options.minutes:g} minutes, seed {options.seed}; the same again with:")
    line(f"  {_command(options)}\n")
    console.print(table(schedule))
    if options.dry_run:
        return 0
    say()
    with results_folder(options):
        exit_code, _ = run_rows(
            options,
            read_plan(PAGE),
            [str(scenario.__file__), "--harness-plan", str(PAGE)],
            options.reports,
            timeout_s=2 * schedule.total_s + PATIENCE_S,
            plugins=[_Given(schedule)],
        )
    return exit_code


def table(schedule: FaultSchedule) -> Table:
    """Return the schedule as a table; an empty line is a quiet period."""
    shown = Table("Seconds", "Fault", "With", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.columns[0].justify = "right"
    for outage in schedule.outages:
        for fault in outage:
            shown.add_row(
                f"{fault.at_s:.1f} – {fault.ends_at_s:.1f}", fault.kind.full_name, _with(fault.parameters)
            )
        shown.add_row()
    shown.add_row(f"{schedule.total_s:.1f}", "the end")
    return shown


def _with(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in quantities(parameters))


def _say_left_out(left_out: Mapping[str, Iterable[ChaosFault]]) -> None:
    for reason, kinds in left_out.items():
        say(f"Not drawn: {', '.join(kind.full_name for kind in kinds)}: {reason}.")


def _command(options: Namespace) -> str:
    """Return the command that does the same again."""
    words = [
        "python",
        "-m",
        "harness",
        "chaos",
        "--seed",
        str(options.seed),
        "--minutes",
        f"{options.minutes:g}",
    ]
    for pattern in options.only:
        words += ["--only", pattern]
    if options.target != REFERENCE:
        words += ["--target", options.target]
    if options.workers is not None:
        words += ["--workers", str(options.workers)]
    return shlex.join(words)
