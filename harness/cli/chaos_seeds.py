"""`python -m harness chaos --seeds 1000`: many seeds, and what came of all.

They are played one after the other on one stack or, with `--jobs`, side by side on a stack for each job.
"""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from harness.chaos.figures import Figures, figures_of
from harness.chaos.reproducing import signatures
from harness.chaos.schedule import FaultSchedule
from harness.chaos.schedule_file import SCHEDULE, Case, as_text, write_schedule
from harness.chaos.seeds_file import SEEDS, Asked, SeedResult, add_seed, begin_seeds, read_seeds
from harness.chaos.summary import SUMMARY, Summary, write_summary
from harness.cli.actions import results_folder
from harness.cli.chaos import command_of, drawable, drawn, options_of, play_schedule
from harness.cli.chaos_lanes import played_side_by_side
from harness.cli.console import console, line, say
from harness.cli.live import LiveView, beside_captures
from harness.cli.one_stack import OneStack
from harness.cli.summing_up import closing, headline, show
from harness.cli.watching_seeds import WatchingSeeds
from harness.errors import CannotWrite, UsageError
from harness.history import read_histories
from harness.history.recorder import REMEDY
from harness.program import PROGRAM
from harness.reports.record import RunRecord, read_results
from harness.reports.words import duration
from harness.runner.folder import HISTORY
from harness.verdict import EXIT_CODES, Verdict

FOLDER = "seeds"
"""Below the folder of the results: what the seeds left that did not pass."""
OUTPUT = "output.txt"
WIDE = 120
TRIES = 2
"""How often a seed is run that the machine was too busy to judge."""
BESIDE_S = 10.0
"""What a run takes beside its schedule: the server and its users begin, faults heal, mailboxes are read."""
BESIDE_WITH_CLUSTERS_S = 18.0
"""The same where each run starts clusters."""


def chaos_seeds(options: Namespace) -> int:
    """Play the schedules of many seeds, or print them. Return the exit code of the worst verdict."""
    if options.schedule:
        raise UsageError("A schedule has its own faults: give it one --seed.")
    profile, kinds = drawable(options)
    schedules = {seed: drawn(seed, kinds, profile, options) for seed in options.seeds}
    if options.dry_run:
        for seed, schedule in schedules.items():
            line(f"seed {seed}: {_outages(schedule)}")
        if options.json:
            cases = [
                Case(schedule, seed, options.target, options.workers) for seed, schedule in schedules.items()
            ]
            sys.stdout.write(json.dumps([json.loads(as_text(case)) for case in cases], indent=1) + "\n")
        return 0
    if any(store.port for store in profile.stores.values()):
        options.jobs = 1  # there is one of each port
    asked = Asked(
        options.minutes, options.target, tuple(options.only), options.workers, tuple(options.cluster)
    )
    with results_folder(options, kept=(SEEDS, FOLDER) if options.resume else ()):
        file = options.reports / SEEDS
        results = read_seeds(file, asked) if options.resume else {}
        begin_seeds(file, asked, results.values())
        _say_what_is_ahead(options, results)
        try:
            watching = WatchingSeeds(options.reports, kept=FOLDER, seconds=_one_s(options))
            with (
                OneStack(profile.stores, options.reports / "logs") as stack,
                beside_captures(console),
                LiveView(console, watching.look).shown(),
            ):
                for result in _played(schedules, results, stack, options, asked, watching):
                    add_seed(file, result)
                    results[result.seed] = result
        finally:
            summary = Summary([results[seed] for seed in schedules if seed in results], kinds)
            if summary.results:
                _sum_up(summary, asked, options)
    return EXIT_CODES[summary.verdict]


def _outages(schedule: FaultSchedule) -> str:
    outages = (" + ".join(fault.kind.full_name for fault in outage) for outage in schedule.outages)
    return "; ".join(outages)


def _say_what_is_ahead(options: Namespace, known: dict[int, SeedResult]) -> None:
    seeds = options.seeds
    left = [seed for seed in seeds if seed not in known or not known[seed].is_decided]
    done = f", of which {len(seeds) - len(left)} are decided already" if len(left) < len(seeds) else ""
    say(f"Chaos of {len(seeds)} seeds{done}, {options.minutes:g} minutes each; against '{options.target}'.")
    one_s = _one_s(options)
    rounds = math.ceil(len(left) / options.jobs)
    say(f"About {duration(one_s)} a seed, {options.jobs} at a time: {_long(rounds * one_s)}. To go on later:")
    line(f"  {_resuming(options)}\n")


def _one_s(options: Namespace) -> float:
    """Return how many seconds a seed takes, about."""
    return float(options.minutes * 60 + (BESIDE_WITH_CLUSTERS_S if options.cluster else BESIDE_S))


def _long(seconds: float) -> str:
    """Return '40 min' or '12.5 h'."""
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{max(1.0, seconds / 60):.0f} min"


def _resuming(options: Namespace) -> str:
    first, last, count = options.seeds[0], options.seeds[-1], len(options.seeds)
    is_range = options.seeds == tuple(range(first, last + 1))
    named = f"{first}-{last}" if is_range else ",".join(map(str, options.seeds))
    seeds = ["--seeds", str(count)] if is_range and first == 1 else [f"--seed={named}"]
    alone = shlex.split(_alone(options, first))
    at = alone.index("--seed")
    jobs = ["--jobs", str(options.jobs)] if options.jobs > 1 else []
    words = [*alone[:at], *seeds, *alone[at + 2 :], *jobs, "--resume", "--reports", str(options.reports)]
    return shlex.join(words)


def _alone(options: Namespace, seed: int) -> str:
    """Return the command that repeats one seed."""
    return command_of(Namespace(**vars(options) | {"seed": seed}))


def _played(
    schedules: dict[int, FaultSchedule],
    known: dict[int, SeedResult],
    stack: OneStack,
    options: Namespace,
    asked: Asked,
    watching: WatchingSeeds,
) -> Iterator[SeedResult]:
    """Yield the result of each seed that is not decided.

    Those that the machine was too busy for are played once more, one at a time, but not by a lane.
    """
    wanted = [seed for seed in schedules if seed not in known or not known[seed].is_decided]
    for at in range(TRIES):
        too_busy = []
        results: Iterator[SeedResult]
        watching.seeds_ahead(wanted, at_once=1 if at else options.jobs)
        if at == 0 and options.jobs > 1:
            results = played_side_by_side(wanted, options_of(options), asked, options, kept=FOLDER)
        else:
            results = (_play(seed, schedules[seed], stack, options) for seed in wanted)
        for place, result in enumerate(results, 1):
            watching.seed_ended(result)
            said = Text(f"{place:>{len(str(len(wanted)))}}/{len(wanted)}  {headline(result)}")
            if result.verdict is not Verdict.FAIL:
                console.print(said, soft_wrap=True)
            else:
                console.insist(said)
                _say_how_to_repeat(options, result.seed)
            if result.too_busy:
                too_busy.append(result.seed)
            yield result
        if options.lane or not (wanted := too_busy):
            return
        say()
        say(f"The machine was too busy to judge {len(wanted)} of them; once more, one at a time:")
        say()


def _say_how_to_repeat(options: Namespace, seed: int) -> None:
    line(f"        alone: {_alone(options, seed)}")
    line(f"        small: {PROGRAM} shrink {shlex.quote(str(options.reports / FOLDER / str(seed)))}")


def _play(seed: int, schedule: FaultSchedule, stack: OneStack, options: Namespace) -> SeedResult:
    """Play one seed in a folder of its own, which is removed if it passes."""
    folder = options.reports / FOLDER / str(seed)
    one = Namespace(**vars(options) | {"seed": seed, "reports": folder, "json": False})
    began = time.monotonic()
    case = Case(schedule, seed, options.target, options.workers)
    with _output(folder) as output, results_folder(one):
        write_schedule(case, folder / SCHEDULE)
        shown_on = Console(file=output, width=WIDE, highlight=False, markup=False, emoji=False)
        _, too_busy = play_schedule(one, schedule, stack.for_a_run(), shown_on=shown_on)
    result = _result(seed, folder, is_too_busy=bool(too_busy), seconds=time.monotonic() - began)
    if result.verdict is Verdict.PASS:
        shutil.rmtree(folder)
    elif not result.is_decided:
        stack.renew()  # the services may be the reason
    return result


def _output(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / OUTPUT).open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CannotWrite(folder, error, remedy=REMEDY) from error


def _result(seed: int, folder: Path, *, is_too_busy: bool, seconds: float) -> SeedResult:
    run = read_results(folder / "results.json")
    (row,) = run.rows
    return SeedResult(
        seed=seed,
        verdict=run.verdict,
        seconds=round(seconds, 1),
        reason=row.reason,
        broke=tuple(map(str, signatures(run))),
        too_busy=is_too_busy,
        figures=_figures(folder, run),
    )


def _figures(folder: Path, run: RunRecord) -> Figures | None:
    """Return the figures of a run; None if it ended before its first event."""
    histories = read_histories(folder / HISTORY)
    return figures_of(histories[0], run.rows[0]) if histories else None


def _sum_up(summary: Summary, asked: Asked, options: Namespace) -> None:
    """Print the tables, and write the same as JSON."""
    document = summary.as_json(asked, lambda seed: _alone(options, seed))
    path = options.reports / SUMMARY
    try:
        write_summary(document, path)
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
    show(summary, of=len(options.seeds))
    if console.quiet:
        console.insist(closing(summary, of=len(options.seeds)))
    line(f"Figures: {path}")
