"""`python -m tests.simulation`: tries every scenario within its bounds, then hunts every mutant.

Exit codes: 0 the server keeps its promises in every execution, and each mutant is found; 1 otherwise;
2 wrong usage. With `--document` it writes the tables of docs/model.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from rich.console import Console

from harness.option_types import above_0_up_to, count, count_from_0, whole
from tests.simulation import tables
from tests.simulation.catalog import FOUND_IN, hunt
from tests.simulation.primitives import simulated
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.searching import Bounds, Found, Search, walks
from tests.simulation.trace import lines

T = TypeVar("T")
console = Console(highlight=False, soft_wrap=True, markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)
    with simulated():
        if options.mutant:
            return _show_mutant(options.mutant, options.scenario)
        if options.walks:
            return _walk(options)
    return _try_all(options)


def _try_all(options: argparse.Namespace) -> int:
    """Try every execution of the scenarios, then hunt the mutants; print a row for each."""
    small = [name for name, scenario in SCENARIOS.items() if not scenario.is_large]
    scenarios = [options.scenario] if options.scenario else small
    mutants = [] if options.scenario or options.without_mutants else list(FOUND_IN)
    with ProcessPoolExecutor(options.jobs, initializer=_begin) as pool:
        explored = _printed(pool.map(partial(_explored, options), scenarios))
        hunted = _printed(pool.map(_hunted, mutants))
    if None in explored or None in hunted:
        return 1
    if options.document:
        tables.write(explored, hunted)
    return 0


def _begin() -> None:
    """Begin a process that tries executions until it ends."""
    logging.disable(logging.CRITICAL)
    stack = ExitStack()
    stack.enter_context(simulated())
    _kept.append(stack)


_kept: list[ExitStack] = []


def _printed(results: Iterable[tuple[T | None, str]]) -> list[T | None]:
    found = []
    for result, text in results:
        console.print(text)
        found.append(result)
    return found


def _explored(options: argparse.Namespace, name: str) -> tuple[str | None, str]:
    """Return a scenario's row, or None if an execution fails, with what to print."""
    default = SCENARIOS[name].bounds
    bounds = Bounds(
        default.interruptions if options.interruptions is None else options.interruptions,
        default.faults if options.faults is None else options.faults,
    )
    search, began_s = Search(SCENARIOS[name], bounds), time.process_time()
    found = search.run(cpu_s=options.minutes * 60)
    row = tables.row_of_scenario(name, search, time.process_time() - began_s)
    return (None, f"{row}\n{_shown(found)}") if found else (row, row)


def _hunted(name: str) -> tuple[str | None, str]:
    """Return a mutant's row, or None if it is not found, with what to print."""
    found = hunt(name, FOUND_IN[name])
    if found is None:
        return None, f"{name} is not found in the scenario {FOUND_IN[name]}"
    row = tables.row_of_mutant(found)
    return row, row


def _show_mutant(name: str, scenario: str | None) -> int:
    found = hunt(name, scenario or FOUND_IN[name])
    if found is None:
        console.print(f"{name} is not found in the scenario {scenario or FOUND_IN[name]}")
        return 1
    console.print(tables.row_of_mutant(found))
    console.print(_shown(found.found))
    return 0


def _walk(options: argparse.Namespace) -> int:
    """Try random executions of each scenario; print the first that fails."""
    names = [options.scenario] if options.scenario else list(SCENARIOS)
    bounds = Bounds(options.interruptions or 6, options.faults if options.faults is not None else 3)
    for name in names:
        seeds = range(options.seed, options.seed + options.walks)
        for seed, found in zip(seeds, walks(SCENARIOS[name], bounds, seeds), strict=True):
            if found:
                console.print(f"{name}: --walks 1 --seed {seed} --scenario {name}")
                console.print(_shown(found))
                return 1
        console.print(f"{name}: {options.walks} random executions")
    return 0


def _shown(found: Found) -> str:
    """Return what is broken, and the execution that breaks it."""
    return "\n".join(["", found.why, "", *(f"    {line}" for line in lines(found.trace))])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--scenario", choices=SCENARIOS, help="only this one")
    parser.add_argument("--interruptions", type=count_from_0, help="the most of them in an execution")
    parser.add_argument("--faults", type=count_from_0, help="the most of them in an execution")
    parser.add_argument(
        "--minutes",
        type=above_0_up_to(10_080, "minutes"),
        default=5.0,
        help="processor time for each scenario; then it says 'not all' (default: 5)",
    )
    parser.add_argument("--walks", type=count_from_0, default=0, help="random executions, instead of all")
    parser.add_argument("--seed", type=whole, default=1, help="the first walk's seed; the others follow")
    parser.add_argument("--mutant", choices=FOUND_IN, help="print the execution that finds it")
    parser.add_argument("--without-mutants", action="store_true", help="try the unbroken server only")
    parser.add_argument("--jobs", type=count, default=os.cpu_count(), help="processes")
    parser.add_argument("--document", action="store_true", help="write the tables of docs/model.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
