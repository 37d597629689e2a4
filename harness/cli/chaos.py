"""`python -m harness chaos`: draw a schedule of faults, print it, play it, and judge what happened."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from harness.chaos import scenario
from harness.chaos.catalog import ChaosFault
from harness.chaos.clusters import kinds_of, require_cluster_of, require_clusters
from harness.chaos.possible import chosen, possible
from harness.chaos.schedule import FaultSchedule, draw, quiet_s
from harness.chaos.schedule_file import SCHEDULE, Case, as_text, case_of, read_schedule, write_schedule
from harness.cli.actions import find_services, results_folder, run_rows, with_seed
from harness.cli.console import console, line, say
from harness.errors import UsageError
from harness.plan import read_plan
from harness.reports.words import quantities
from harness.targets.profile import REFERENCE, Profile, load_profile

PAGE = Path(scenario.__file__ or "").with_name("plan.md")
PATIENCE_S = 180.0
MINUTES = 2.0


class Given:
    """A pytest plugin that hands the schedule to the scenario: what is played is what was printed."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._schedule = schedule

    @pytest.fixture
    def schedule(self) -> FaultSchedule:
        """The faults, and when."""
        return self._schedule


def chaos(options: Namespace) -> int:
    """Print the schedule of a seed or a file and, without `--dry-run`, play it. Return the exit code."""
    if options.resume:
        raise UsageError("--resume goes on with many seeds: give it the same --seeds again.")
    options.seed = options.seeds[0] if options.seeds else None
    case = _given(options) if options.schedule else _drawn(options)
    options.seed, options.target, options.workers = case.seed, case.target, case.workers
    schedule = case.schedule
    minutes = schedule.total_s / 60 if options.schedule else options.minutes
    say(f"Chaos for {minutes:.3g} minutes, seed {options.seed}; the same again with:")
    line(f"  {command_of(options)}\n")
    console.print(table(schedule))
    if options.dry_run:
        if options.json:
            sys.stdout.write(json.dumps(json.loads(as_text(case)), indent=1) + "\n")  # in ASCII
        return 0
    say()
    with results_folder(options):
        write_schedule(case, options.reports / SCHEDULE)
        exit_code, _ = play_schedule(options, schedule)
    return exit_code


def play_schedule(
    options: Namespace, schedule: FaultSchedule, *plugins: object, shown_on: Console = console
) -> tuple[int, list[str]]:
    """Play a schedule, with the results in `options.reports`; see `run_rows`."""
    rows = read_plan(PAGE)
    return run_rows(
        options,
        rows,
        [str(scenario.__file__), "--harness-plan", str(PAGE), "--harness-asked", command_of(options)],
        options.reports,
        timeout_s=2 * schedule.total_s + PATIENCE_S,
        plugins=[Given(schedule), *plugins],
        shown_on=shown_on,
        took_s={row.id: schedule.total_s for row in rows},
    )


def _drawn(options: Namespace) -> Case:
    """Return what the seed draws of the faults that are possible here. Raise UsageError."""
    with_seed(options)
    profile, kinds = drawable(options)
    return Case(drawn(options.seed, kinds, profile, options), options.seed, options.target, options.workers)


def drawn(seed: int, kinds: Sequence[ChaosFault], profile: Profile, options: Namespace) -> FaultSchedule:
    """Return the schedule of a seed, for the clusters that were asked for. Raise UsageError."""
    schedule = draw(seed, kinds, total_s=options.minutes * 60, quiet_s=quiet_s(profile.bounds))
    return replace(schedule, clusters=tuple(options.cluster))


def drawable(options: Namespace) -> tuple[Profile, list[ChaosFault]]:
    """Return the target's profile, and the kinds of faults that are asked for and possible here.

    Complete the options with the usual target and length. Raise UsageError.
    """
    options.minutes = options.minutes or MINUTES
    options.target = options.target or REFERENCE
    profile = load_profile(options.target)
    require_clusters(options.cluster, profile)
    require_cluster_of(options.only, options.cluster)
    wanted = chosen(kinds_of(profile, options.cluster), options.only)
    kinds, left_out = possible(wanted, profile, find_services(profile))
    _say_left_out(left_out)
    return profile, kinds


def _given(options: Namespace) -> Case:
    """Return what the file has, with the options of the command line instead of its own. Raise UsageError."""
    if options.minutes or options.only or options.cluster:
        raise UsageError(
            "A schedule has its own faults, length and clusters: leave out --minutes, --only and --cluster."
        )
    played = read_schedule(options.schedule)
    target = options.target or played.target
    profile = load_profile(target)
    require_clusters(played.clusters, profile)
    case = case_of(options.schedule, kinds_of(profile, played.clusters))
    _require_possible(case, profile)
    seed = case.seed if options.seed is None else options.seed
    return replace(case, seed=seed, target=target, workers=options.workers or case.workers)


def _require_possible(case: Case, profile: Profile) -> None:
    services = find_services(profile)
    if kinds := [fault.kind for fault in case.schedule.faults]:
        _, left_out = possible(kinds, profile, services)
        for reason, missing in left_out.items():
            raise UsageError(f"'{missing[0].full_name}' is not possible: {reason}.")


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


def command_of(options: Namespace) -> str:
    """Return the command that does the same again."""
    words = ["python", "-m", "harness", "chaos", "--seed", str(options.seed), *options_of(options)]
    return shlex.join(words)


def options_of(options: Namespace) -> list[str]:
    """Return what decides, beside the seed, what a run does, as words of the command."""
    if options.schedule:
        words = ["--schedule", str(options.schedule)]
    else:
        words = ["--minutes", f"{options.minutes:g}"]
    for pattern in options.only:
        words += ["--only", pattern]
    for name in options.cluster:
        words += ["--cluster", name]
    if options.target != REFERENCE:
        words += ["--target", options.target]
    if options.workers is not None:
        words += ["--workers", str(options.workers)]
    return words
