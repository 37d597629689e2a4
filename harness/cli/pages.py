"""What `plan` and `doctor` print: lines with their styles. Paths and test names have lines of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.extras import EXTRAS, SERVER, installing
from harness.plan import PlanRow
from harness.plan.drift import Runners
from harness.printable import printable
from harness.program import PROGRAM
from harness.reports.paragraphs import paragraph
from harness.stack import DoctorRow
from harness.stack.finding import SERVICES

Line = tuple[str, str]
"""A text and its style."""
INDENT = 10


def plan_page(rows: Sequence[PlanRow], runners: Runners, width: int) -> Iterator[Line]:
    """Yield each section of the plan with its rows, and below each row the tests that run it, by file."""
    for section, of_section in itertools.groupby(rows, key=lambda row: row.section):
        yield section, "bold"
        yield "", ""
        for row in of_section:
            yield paragraph(row.title, width, first=f"{row.id:<{INDENT - 1}} ", indent=INDENT), ""
            yield from _run_by(runners.of(row.id) or _not_here(row))
        yield "", ""


def _not_here(row: PlanRow) -> tuple[str, ...]:
    """Return the tests that the plan names for a row, where this folder is not a checkout."""
    return () if any(Path(test.partition("::")[0]).is_file() for test in row.tests) else row.tests


def _run_by(nodes: Sequence[str]) -> Iterator[Line]:
    if not nodes:
        yield f"{'':{INDENT}}nothing runs this row", "red"
    for file, of_file in itertools.groupby(nodes, key=lambda node: node.partition("::")[0]):
        yield f"{'':{INDENT}}{printable(file)}", "dim"
        for node in of_file:
            yield f"{'':{INDENT}}  {printable(node.partition('::')[2])}", "dim"


def doctor_page(
    services: Sequence[DoctorRow], width: int, *, lacking: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Line]:
    """Yield for each service what was found and where, or what gets it and why it is missing.

    `lacking` are the packages that this Python does not have, by the extra that they belong to.
    """
    for row in services:
        name = f"{row.service:<{INDENT}} "
        if row.found is not None:
            yield f"{name}{row.found.version:<9} {printable(row.found.origin)}", ""
            yield (
                f"  {_shown(row.found.binary) if row.found.binary else printable(row.found.url or '')}",
                "dim",
            )
        else:
            yield f"{name}missing", "bold yellow" if row.without else "bold red"
            if row.command:
                yield f"  get it with: {row.command}", ""
            yield paragraph(row.problem, width, first="  ", indent=2), "dim"
    yield from _extras(lacking or {}, width)
    yield "", ""
    only_others = bool(lacking and lacking[SERVER])
    yield from _summary(services, width, what="run --target PROFILE" if only_others else "run")


def _extras(lacking: Mapping[str, Sequence[str]], width: int) -> Iterator[Line]:
    """Yield for each extra of the package whether it is installed, and what adds it."""
    for extra, packages in lacking.items():
        name = f"{f'[{extra}]':<{INDENT}} "
        if not packages:
            yield f"{name}installed", ""
            continue
        yield f"{name}not installed", "bold yellow"
        yield f"  add it with: {installing(extra)}", ""
        why = f"Without {', '.join(packages)}, {EXTRAS[extra]}."
        yield paragraph(why, width, first="  ", indent=2), "dim"


def _summary(parts: Sequence[DoctorRow], width: int, *, what: str) -> Iterator[Line]:
    """Yield whether a run can start, with which words, and what it lacks."""
    missing = [row for row in parts if row.found is None]
    if needed := [row.service for row in missing if not row.without]:
        yield paragraph(f"Missing: {', '.join(needed)}.", width), "red"
    elif {row.service for row in parts} >= set(SERVICES):
        here = "Every service" if missing else "Everything"
        yield f"{here} is here: `{PROGRAM} {what}` can start.", "green"
    for row in missing:
        if row.without:
            yield paragraph(f"Without {row.service}, {row.without}.", width), "yellow"


def _shown(path: Path) -> str:
    """Return the path as a shell takes it, with `~` for the home folder."""
    home = Path.home()
    return printable(f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path))
