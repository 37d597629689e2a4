"""The tables of docs/model.md, which the command writes and a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.simulation.catalog import Hunt
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.searching import Bounds, Search
from tests.simulation.trace import lines

PAGE = Path(__file__).parents[2] / "docs" / "model.md"
SCENARIO_HEAD = "| scenario | what happens | interruptions | faults | executions | states | CPU s |"
MUTANT_HEAD = "| mutant | scenario | interruptions | faults | executions | lines | what is found |"


def row_of_scenario(name: str, search: Search, cpu_s: float) -> str:
    """Return a scenario's row in the table."""
    tried = f"{search.executions:,}{'' if search.is_complete else ', not all'}"
    counts = f"{tried} | {len(search.states):,} | {cpu_s:.0f}"
    return f"| {name} | {SCENARIOS[name].sentence} | {_of(search.bounds)} | {counts} |"


def row_of_mutant(hunt: Hunt) -> str:
    """Return a mutant's row in the table."""
    length = len(list(lines(hunt.found.trace)))
    counts = f"{_of(hunt.bounds)} | {hunt.executions:,} | {length}"
    return f"| {hunt.mutant} | {hunt.scenario} | {counts} | {hunt.found.why} |"


def _of(bounds: Bounds) -> str:
    return f"{bounds.interruptions} | {bounds.faults}"


def write(scenarios: Iterable[str], mutants: Iterable[str]) -> None:
    """Replace the rows of the page's tables."""
    text = PAGE.read_text(encoding="utf-8")
    text = _replaced(text, SCENARIO_HEAD, [*scenarios])
    text = _replaced(text, MUTANT_HEAD, [*mutants])
    PAGE.write_text(text, encoding="utf-8")


def _replaced(text: str, head: str, rows: list[str]) -> str:
    line = "|" + " --- |" * (head.count("|") - 1)
    table = "\n".join([head, line, *rows])
    changed, count = re.subn(rf"{re.escape(head)}\n(\|.*\n?)+", lambda found: table + "\n", text)
    assert count == 1, f"{PAGE.name} has no table with this head: {head}"
    return changed


def documented(head: str) -> dict[str, list[str]]:
    """Return the cells of each row of a table of the page, by its first cell."""
    text = PAGE.read_text(encoding="utf-8")
    rows = text.partition(head + "\n")[2].partition("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: rest for first, *rest in cells}
