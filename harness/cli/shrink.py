"""`python -m harness shrink`: find the smallest schedule of chaos that still breaks the same promise."""

from __future__ import annotations

import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sized
from pathlib import Path

from harness.chaos.clusters import kinds_of
from harness.chaos.reproducing import Signature, Tally, signature_of, suspects
from harness.chaos.schedule_file import SCHEDULE, Case, case_of, read_schedule, write_schedule
from harness.chaos.shrinking import OutOfTime, shrink
from harness.cli.chaos import PATIENCE_S, table
from harness.cli.console import console, line, say
from harness.errors import CannotWrite, UsageError
from harness.history.recorder import REMEDY
from harness.program import PROGRAM
from harness.reports.record import RESULTS, RunRecord, read_results, results_of
from harness.runner.folder import HISTORY
from harness.stack.processes import Process
from harness.stack.waiting import wait_until
from harness.targets.profile import load_profile
from harness.targets.starting import require_startable

STEPS = "shrink"
"""The folder of the reruns, below that of the run."""
SHRUNK = "shrunk.json"
RERUN = (sys.executable, "-m", "harness", "chaos")
END_S = 10.0
LONGER_S = PATIENCE_S + 60.0
"""A rerun ends by itself before this, added to twice its schedule."""


def shrink_run(options: Namespace) -> int:
    """Shrink a failed run of chaos. Return 0 if the smallest schedule was found or the time is over."""
    folder: Path = options.folder
    run = _failed(folder)
    case = _case(folder)
    same = signature_of(run, options.promise)
    say(f"The run broke {same}. The same failure is looked for.")
    trials = _Trials(folder / STEPS, same, options)
    likely = suspects(run, folder / HISTORY, case.schedule, same)
    smallest = shrink(case, trials.fails, likely=likely)
    if smallest is None:
        say(f"It did not fail often enough to be made smaller. The last schedule {trials.last}.")
        return 3
    _say_result(smallest, trials, folder / SHRUNK)
    return 0


def _failed(folder: Path) -> RunRecord:
    """Return the results of a failed run. Raise UsageError for anything else."""
    run = results_of(folder)
    if not (folder / SCHEDULE).exists():
        raise UsageError(f"{folder} is not a run of chaos: it has no {SCHEDULE}.")
    if run.exit_code != 1:
        raise UsageError(f"The run in {folder} broke no promise: there is nothing to make smaller.")
    return run


def _case(folder: Path) -> Case:
    played = read_schedule(folder / SCHEDULE)
    profile = load_profile(played.target)
    require_startable(profile)
    case = case_of(folder / SCHEDULE, kinds_of(profile, played.clusters))
    workers = case.workers or (profile.workers if profile.command else None)
    return Case(case.schedule, case.seed, case.target, workers)


def _say_result(case: Case, trials: _Trials, path: Path) -> None:
    try:
        write_schedule(case, path)
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
    faults = len(case.schedule.faults)
    how_many = (
        "no fault" if not faults else "only this fault" if faults == 1 else f"only these {faults} faults"
    )
    say()
    say(f"It {trials.of(case)} with {how_many}:")
    say()
    console.print(table(case.schedule))
    traffic = case.schedule.traffic
    say(f"Senders: {traffic.pairs}; workers: {case.workers or 'as usual'}. Play it with:")
    line(f"  {PROGRAM} chaos --schedule {shlex.quote(str(path))}")


class _Trials:
    """Runs cases, each several times, and counts how often they fail in the same way."""

    def __init__(self, folder: Path, same: Signature, options: Namespace) -> None:
        self._folder = folder
        self._same = same
        self._runs: int = options.runs
        self._needed: int = min(options.needed, options.runs)
        self._jobs: int = options.jobs
        self._until = time.monotonic() + options.minutes * 60
        self._tallies: list[tuple[Case, Tally]] = []

    def of(self, case: Case) -> Tally:
        """Return how often a case failed."""
        return next(tally for tried, tally in reversed(self._tallies) if tried == case)

    @property
    def last(self) -> Tally:
        """How often the last case failed."""
        return self._tallies[-1][1]

    def fails(self, case: Case, what: str) -> bool:
        """Run a case until it is decided whether it fails often enough. Raise OutOfTime."""
        if self._tallies and time.monotonic() + case.schedule.total_s > self._until:
            say("The time is over.")
            raise OutOfTime
        tally = self._run(case, self._folder / f"{len(self._tallies):03}")
        self._tallies.append((case, tally))
        left_s = max(0.0, self._until - time.monotonic())
        does = tally.fails >= self._needed
        say(f"{'smaller' if does else 'needed ':<8} {what}: {tally} ({left_s / 60:.0f} min left)")
        return does

    def _run(self, case: Case, folder: Path) -> Tally:
        """Run a case. A run that decided nothing is replaced by another, at most `--runs` times."""
        tally, waiting, running = Tally(), list(range(self._runs)), dict[Path, Process]()
        replaced = 0
        try:
            while not self._is_decided(tally, waiting, running):
                while waiting and len(running) < self._jobs:
                    at = waiting.pop(0)
                    running[folder / str(at)] = self._start(case, folder / str(at), case.seed + at)
                for each in _ended(running, within_s=2 * case.schedule.total_s + LONGER_S):
                    tally.add(_results(each), self._same)
                    del running[each]
                    if replaced < min(tally.undecided, self._runs):
                        waiting.append(self._runs + replaced)
                        replaced += 1
        finally:
            for process in running.values():
                process.ask_to_end()
            for process in running.values():
                process.stop(deadline_s=END_S)
        return tally

    def _is_decided(self, tally: Tally, *left: Sized) -> bool:
        """Return whether the runs that are left change nothing."""
        return not self._needed - sum(map(len, left)) <= tally.fails < self._needed

    def _start(self, case: Case, folder: Path, seed: int) -> Process:
        schedule = folder.with_name(f"{folder.name}-{SCHEDULE}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_schedule(case, schedule)
        except OSError as error:
            raise CannotWrite(error.filename or folder, error, remedy=REMEDY) from error
        words = ["--schedule", str(schedule), "--seed", str(seed), "--reports", str(folder)]
        process = Process("a rerun", [*RERUN, *words], log=folder.with_suffix(".log"))
        process.launch()
        return process


def _ended(running: Mapping[Path, Process], *, within_s: float) -> list[Path]:
    """Wait until at least one run has ended; return the folders of those that have. Raise DeadlineMissed."""
    return wait_until(
        lambda: [folder for folder, process in running.items() if not process.running],
        deadline_s=within_s,
        what="a rerun to end",
    )


def _results(folder: Path) -> RunRecord | None:
    try:
        return read_results(folder / RESULTS)
    except (OSError, ValueError):
        return None
