"""`python -m tests.mutants`: runs every mutant, and prints which promise of which row caught it.

Exit codes: 0 every mutant was caught by its promise, with every seed, and the unbroken server passed all
their rows; 1 otherwise; 2 wrong usage, or no Chromium for the mutants of the client; 130 interrupted. Each
trial is written to `trials.jsonl` in the reports when it ends, so a long run can be read before its end, and
resumed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

from rich.console import Console

from harness.cli.seeds import first_seeds
from harness.cli.seeds import seeds as seeds_named
from harness.errors import HarnessError, UsageError
from harness.option_types import count
from harness.reports.record import RowResult
from harness.runner.folder import held, new_run
from harness.stack import locate_chromium
from harness.stack.chromium import LEFT_OUT, left_out
from harness.targets.profile import REFERENCE
from harness.verdict import Verdict
from tests.mutants.catalog import MUTANTS
from tests.mutants.lane import Request
from tests.mutants.lanes import Lane, Lanes
from tests.mutants.matrix import Trial, passed, run_row, try_mutant
from tests.mutants.patched_client import ClientMutant
from tests.mutants.registry import Mutant
from tests.mutants.trials import FILE, add_trial, latest, matrix, read_trials, write_trials

WIDE = 150  # columns: a log has no width, and the matrix has one line for each mutant
INTERRUPTED = 130
Key = tuple[str, int]
"""A mutant's name and a seed."""
W, T = TypeVar("W"), TypeVar("T")
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started us with &
    try:
        with held(options.reports, new_run()):
            return _run(options)
    except HarnessError as error:
        sys.stderr.write(f"mutants: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        console.print("interrupted; what has ended is kept, and --resume goes on")
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    mutants = _that_can_run(_chosen(options))
    rows = sorted({mutant.row for mutant in mutants})
    seeds = ", ".join(map(str, options.seed))
    console.print(f"{len(mutants)} mutants and the unbroken server, {len(rows)} rows, seeds {seeds}\n")
    with Lanes(options.jobs, options.reports) as lanes:
        wrong = [] if options.no_unbroken else list(_unbroken(rows, lanes, options))
        trials = _try_all(mutants, lanes, options)
    console.print("\n", matrix(mutants, trials))
    missed = [trial for trial in trials if not trial.is_caught]
    wrong += [f"{one.mutant}, seed {one.seed}: {one.what}. {one.reason}" for one in missed]
    for sentence in wrong:
        console.print(sentence, style="red")
    count = f"{len(trials) - len(missed)} of {len(trials)} trials"
    always = len(mutants) - len({trial.mutant for trial in missed})
    console.print(
        f"\n{always} of {len(mutants)} mutants were always caught by the promise they break: {count}."
    )
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="mutant", help="these alone (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few of different promises")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument(
        "--seed",
        type=seeds_named,
        default=(1,),
        metavar="SEEDS",
        help="the source of the rows' random choices; several are written 1-20 or 3,17 (default: 1)",
    )
    seeds.add_argument(
        "--seeds", dest="seed", type=first_seeds, metavar="COUNT", help="try each mutant with so many seeds"
    )
    parser.add_argument("--jobs", type=count, default=3, help="harnesses to run side by side (default: 3)")
    parser.add_argument("--resume", action="store_true", help="run what an earlier run has not ended")
    parser.add_argument("--no-unbroken", action="store_true", help="do not run the unbroken server's rows")
    parser.add_argument(
        "--unbroken", type=Path, help="results.json of the unbroken server: what passed is not run again"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports/mutants"), help="where histories are left"
    )
    return parser


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    unknown = [name for name in options.names if name not in MUTANTS]
    if unknown:
        raise UsageError(f"There is no mutant {', '.join(unknown)}; there are {', '.join(MUTANTS)}.")
    named = [mutant for mutant in MUTANTS.values() if not options.names or mutant.name in options.names]
    return [mutant for mutant in named if mutant.quick or not options.quick]


def _that_can_run(mutants: list[Mutant]) -> list[Mutant]:
    """Return the mutants without those that the caller's environment leaves out.

    Raise NotHere where Chromium is needed and missing, UsageError where no mutant is left.
    """
    clients = [mutant for mutant in mutants if isinstance(mutant, ClientMutant)]
    if clients and not left_out():
        locate_chromium(install=False, say=console.print)
        return mutants
    if clients:
        console.print(f"{LEFT_OUT} leaves out {', '.join(mutant.name for mutant in clients)}")
    servers = [mutant for mutant in mutants if mutant not in clients]
    if not servers:
        raise UsageError(f"{LEFT_OUT} leaves out every mutant that was asked for.")
    return servers


def _unbroken(rows: Sequence[str], lanes: Lanes, options: argparse.Namespace) -> Iterator[str]:
    """Return what is wrong with the unbroken server in the mutants' rows; a row that it fails is useless."""
    known = passed(options.unbroken)

    def run(row: str, lane: Lane) -> tuple[str, RowResult | None]:
        folder = options.reports / REFERENCE / row
        return row, run_row(lane, Request(row, REFERENCE, options.seed[0], str(folder)))[0]

    missing = [row for row in rows if row not in known]
    for row, result in _side_by_side(lanes, options.jobs, run, missing):
        verdict = result.verdict if result is not None else "no result"
        seconds = result.seconds if result is not None else 0.0
        console.print(f"  {f'unbroken, {row}':<40} {verdict:<12} {seconds:6.1f} s")
        if verdict is not Verdict.PASS:
            yield f"The unbroken server in {row}: {verdict}. {result.reason if result is not None else ''}"


def _try_all(mutants: Sequence[Mutant], lanes: Lanes, options: argparse.Namespace) -> list[Trial]:
    """Try every mutant with the first seed, then with the next; without trials that an earlier run has ended.

    Trials that were inconclusive, as the machine was too busy, are repeated at the end with nothing beside
    them.
    """
    file, wanted = options.reports / FILE, {mutant.name: mutant for mutant in mutants}
    kept = latest(read_trials(file)) if options.resume else []
    write_trials(file, kept)
    earlier = {(one.mutant, one.seed) for one in kept}
    trials = [one for one in kept if one.mutant in wanted and one.seed in options.seed]

    def run(key: Key, lane: Lane) -> Trial:
        name, seed = key
        several = len(options.seed) > 1
        folder = options.reports / (f"seed-{seed}" if several else "") / name
        return try_mutant(wanted[name], lane, seed=seed, reports=folder, keep_all=not several)

    def run_each(keys: Sequence[Key], jobs: int) -> Iterator[Trial]:
        for trial in _side_by_side(lanes, jobs, run, keys):
            add_trial(file, trial)
            told = f"{trial.mutant}, seed {trial.seed}"
            again = f"  (first {trial.doubt})" if trial.doubt else ""
            console.print(f"  {told:<40} {trial.what:<12} {trial.seconds:6.1f} s{again}")
            yield trial

    keys = [(name, seed) for seed in options.seed for name in wanted if (name, seed) not in earlier]
    trials += run_each(keys, options.jobs)
    undecided = [(one.mutant, one.seed) for one in trials if one.proved_nothing]
    alone = list(run_each(undecided, 1)) if options.jobs > 1 else []
    return latest([*trials, *alone])


def _side_by_side(lanes: Lanes, jobs: int, run: Callable[[W, Lane], T], what: Sequence[W]) -> Iterator[T]:
    """Run each in one of the lanes; yield the trials as they end."""

    def in_a_lane(one: W) -> T:
        with lanes.one() as lane:
            return run(one, lane)

    with _pool(lanes, jobs) as pool:
        for future in as_completed([pool.submit(in_a_lane, one) for one in what]):
            yield future.result()


@contextmanager
def _pool(lanes: Lanes, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool with a thread for each lane. An interrupt ends the lanes, so that the threads end too."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        lanes.end()
        raise
    finally:
        pool.shutdown()


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
