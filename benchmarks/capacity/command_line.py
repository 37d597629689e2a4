"""`python -m benchmarks.capacity`: how many pollers a server carries, and what gives out first.

Exit codes: 0 it is known how many are carried, and what gave out beyond; 1 a promise broke that no load
excuses, such as a lost message; 2 wrong usage; 3 inconclusive: the load generator or the machine gave out
first; 130 interrupted. docs/capacity.md says how it is measured.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.capacity import results, running
from benchmarks.capacity.results import Capacity, Curve
from benchmarks.capacity.running import FULL, QUICK, Plan, Search
from benchmarks.capacity.steps import Step
from benchmarks.machine import environment
from benchmarks.servers import Site
from harness.cli import streams
from harness.cli.command_line import in_order
from harness.cli.console import console, line, say
from harness.errors import CannotWrite, HarnessError
from harness.interrupts import INTERRUPTS
from harness.option_types import above_0_up_to, count_up_to, whole
from harness.stack import Services
from harness.targets.profile import REFERENCE, Profile, load_profile
from harness.verdict import EXIT_CODES

REPORTS = Path("reports/latest")
FILE = "capacity.json"
MOST_POLLERS = 50_000
_POLLERS = count_up_to(MOST_POLLERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit code."""
    streams.prepare()
    return in_order(lambda: _main(_parser().parse_args(arguments)), called="capacity search")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="search less exactly, within a minute")
    parser.add_argument(
        "--target",
        default=REFERENCE,
        metavar="PROFILE",
        help="a bundled target's name, or the path of a profile, also of a server that runs already"
        " (default: reference)",
    )
    parser.add_argument(
        "--send-every",
        type=above_0_up_to(86_400, "seconds"),
        default=60.0,
        metavar="S",
        help="seconds between two messages of one user, on average (default: 60)",
    )
    parser.add_argument(
        "--first", type=_POLLERS, default=250, metavar="N", help="pollers to begin with (default: 250)"
    )
    parser.add_argument(
        "--ceiling", type=_POLLERS, default=16_000, metavar="N", help="the most to try (default: 16000)"
    )
    parser.add_argument(
        "--accounts",
        type=_POLLERS,
        default=50,
        metavar="N",
        help="accounts to register at a target other than the reference, whose mailboxes the pollers share"
        " (default: 50)",
    )
    parser.add_argument(
        "--seed", type=whole, metavar="N", help="the source of every random choice (default: a new one)"
    )
    parser.add_argument("--reports", type=Path, default=REPORTS, metavar="FOLDER", help=f"default: {REPORTS}")
    return parser


@dataclass
class _Searches:
    """What was found so far, also where the run is interrupted."""

    server: Search | None = None
    bare: Search | None = None
    began_s: float = field(default_factory=time.monotonic)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def _main(options: argparse.Namespace) -> int:
    INTERRUPTS.take()
    profile, searches, was_interrupted = load_profile(options.target), _Searches(), False
    plan = _plan(options)
    try:
        _search(options.target, profile, plan, searches)
    except KeyboardInterrupt:
        INTERRUPTS.seen()
        was_interrupted = True
    if searches.server is None or not searches.server.steps:
        if was_interrupted:
            raise KeyboardInterrupt
        raise HarnessError("There was no time for a single step.")
    capacity = _capacity(options, plan, profile, searches, was_interrupted=was_interrupted)
    results.write(capacity, options.reports / FILE)
    _show(capacity, options.reports / FILE)
    if was_interrupted:
        raise KeyboardInterrupt
    return EXIT_CODES[capacity.verdict]


def _plan(options: argparse.Namespace) -> Plan:
    """Return what is asked for. Raise CannotWrite."""
    folder = options.reports / "logs" / "capacity"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(folder, error, remedy=results.REMEDY) from error
    effort = QUICK if options.quick else FULL
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    first = min(options.first, options.ceiling)
    return Plan(effort, first, options.ceiling, options.send_every, seed, folder, options.accounts)


def _search(target: str, profile: Profile, plan: Plan, searches: _Searches) -> None:
    """Search the server's capacity, then the bare route's, each with the machine to itself."""
    processors = running.shared_out()
    with ExitStack() as stack:
        stack.enter_context(running.on_their_processors(processors))
        services = stack.enter_context(Services(say=say, logs=plan.folder, stores=profile.stores))
        site = Site(services, plan.folder)
        is_reference = target == REFERENCE
        running_ = (
            running.reference(site, profile, plan)
            if is_reference
            else running.by_profile(target, profile, services, plan.folder)
        )
        with running_ as subject:
            searches.server = Search(subject, plan, processors, _progress)
            searches.server.run(seconds=plan.effort.server_s, first=plan.first)
        if is_reference:
            with running.bare(site, profile) as subject:
                searches.bare = Search(
                    subject, plan, processors, lambda step: _progress(step, " (bare route)")
                )
                first = 2 * searches.server.curve.carried or plan.first
                searches.bare.run(seconds=plan.effort.bare_s, first=first)


def _progress(step: Step, of: str = "") -> None:
    gave_out = f" ({step.gave_out} gave out)" if step.gave_out else ""
    line(f"{step.pollers:>8,} pollers{of}: {step.answer.value}{gave_out}")


def _capacity(
    options: argparse.Namespace, plan: Plan, profile: Profile, searches: _Searches, *, was_interrupted: bool
) -> Capacity:
    server = searches.server.curve if searches.server else Curve(0, None, ())
    bare = searches.bare.curve if searches.bare and searches.bare.steps else None
    verdict, reason = results.verdict_of(server, was_interrupted=was_interrupted)
    return Capacity(
        started_at=searches.started_at,
        seconds=round(time.monotonic() - searches.began_s, 1),
        quick=options.quick,
        target=profile.name,
        interval_s=profile.bounds.poll_interval_s,
        send_every_s=plan.send_every_s,
        seed=plan.seed,
        verdict=verdict,
        reason=reason,
        server=server,
        bare=bare,
        capacity_ratio=results.ratio(server, bare),
        environment=environment(),
    )


def _show(capacity: Capacity, path: Path) -> None:
    console.print()
    console.print(results.table(capacity.server, "Pollers"))
    if capacity.bare is not None:
        console.print()
        console.print(results.table(capacity.bare, "Bare route"))
    console.print()
    for sentence in results.sentences(capacity):
        say(sentence)
    line(f"Results: {path}")
