"""The rows of the Markdown test plan.

The plan is a page of `## Sections`. In each table whose first header is "Id", every line is one row of the
plan: `| Id | Row | Done | Expected |`. Other tables are ignored. More columns may follow, recognized by
their headers:

- "Run by": the tests that run the row, by file and name: `` `tests/test_a.py`: `test_one`, `test_two` ``.
  They look inside a server, so they judge that server alone. A row without them is run by a scenario.
- "Needs": what a machine may not have: `Chromium`, for rows that open pages, or `disks` that can be broken.
- "Only where": keys of the target's profile that must be true, such as `metrics`; empty where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.errors import UsageError, reason_of

PLAN_FILE = "TEST_REALTIME_MESSAGING.md"
_ID = re.compile(r"[A-Z]+-\d{2}")
_CELLS = 4
CHROMIUM, DISKS = "Chromium", "disks"
_TESTS = re.compile(r"[\w/.-]+\.py|\btest_\w+")
_KEY = re.compile(r"\w+")


def find_plan() -> Path:
    """Return this folder's plan; where it has none, the one that comes with the harness."""
    package = Path(__file__).parents[1]
    here, in_a_wheel, in_a_checkout = (it / PLAN_FILE for it in (Path(), package, package.parent))
    return next((it for it in (here, in_a_wheel, in_a_checkout) if it.is_file()), here)


class PlanError(UsageError, ValueError):
    """The plan cannot be read, or does not have a row that was asked for; the message says where."""


@dataclass(frozen=True)
class PlanRow:
    """One row of the plan; `section` is its heading's slug, `line` its line in the file (from 1).

    `tests` run it, such as 'tests/test_a.py::test_one'; without any, a scenario does.
    `only_where` are keys of a profile.
    """

    id: str
    section: str
    title: str
    done: str
    expected: str
    line: int
    tests: tuple[str, ...] = ()
    only_where: tuple[str, ...] = ()
    needs_chromium: bool = False
    needs_disks: bool = False


def read_plan(path: Path) -> list[PlanRow]:
    """Return the rows of the plan, in its order.

    Raise PlanError for a file that cannot be read, and with file and line for a malformed or repeated id, a
    missing or empty cell, and a row outside any section.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PlanError(
            f"There is no test plan {path.absolute()}: run this command in the folder of a checkout."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"The test plan {path} cannot be read: {reason_of(error)}.") from error
    return parse_plan(text, str(path))


def parse_plan(text: str, name: str) -> list[PlanRow]:
    """Return the rows of a plan's Markdown; `name` is its name in errors. Raise as `read_plan` does."""
    rows: dict[str, PlanRow] = {}
    for row in _rows(MarkdownIt("commonmark").enable("table").parse(text), name):
        if row.id in rows:
            first = rows[row.id].line
            raise PlanError(f"{name}:{row.line}: the id {row.id} is already the row of line {first}.")
        rows[row.id] = row
    if not rows:
        raise PlanError(f"{name}: no table has 'Id' as its first header, so there is nothing to run.")
    return list(rows.values())


def _rows(tokens: Sequence[Token], name: str) -> Iterator[PlanRow]:
    section = ""
    header: list[str] | None = None
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            section = _slug(tokens[index + 1].content)
        elif token.type == "thead_open":
            header = None
        elif token.type == "tr_open":
            cells = _cells(tokens, index)
            if header is None:
                header = cells
            elif header[0].casefold() == "id":
                line = (token.map or [0])[0] + 1
                yield _row(header, cells, section, f"{name}:{line}:", line)


def _cells(tokens: Sequence[Token], start: int) -> list[str]:
    cells = []
    for token in tokens[start:]:
        if token.type == "tr_close":
            break
        if token.type == "inline":
            cells.append(token.content.strip())
    return cells


def _row(header: Sequence[str], cells: Sequence[str], section: str, where: str, line: int) -> PlanRow:
    if not _ID.fullmatch(cells[0]):
        raise PlanError(
            f"{where} '{cells[0]}' is not a row id, which is capital letters, a hyphen, two digits: ERR-02."
        )
    if not section:
        raise PlanError(f"{where} the row {cells[0]} comes before the heading of the first section.")
    if len(cells) < _CELLS or not all(cells[:_CELLS]):
        raise PlanError(
            f"{where} the row {cells[0]} lacks a cell; it needs a title, what is done, and what is expected."
        )
    more = {name.casefold(): cell for name, cell in zip(header, cells, strict=False)}
    tests = _tests(more["run by"], where) if "run by" in more else ()
    only_where = tuple(_KEY.findall(more.get("only where", "")))
    needs = more.get("needs", "").strip("`")
    if needs not in ("", CHROMIUM, DISKS):
        raise PlanError(
            f"{where} the row {cells[0]} needs '{needs}', which is not `{CHROMIUM}`, `{DISKS}` or nothing."
        )
    machine = {"needs_chromium": needs == CHROMIUM, "needs_disks": needs == DISKS}
    return PlanRow(cells[0], section, cells[1], cells[2], cells[3], line, tests, only_where, **machine)


def _tests(cell: str, where: str) -> tuple[str, ...]:
    """Return each test of a "Run by" cell, with the last file that is named before it."""
    file, tests = "", list[str]()
    for word in _TESTS.findall(cell):
        if word.endswith(".py"):
            file = word
        elif file:
            tests.append(f"{file}::{word}")
    if not tests:
        raise PlanError(f"{where} '{cell}' names no test; write a file and a name: `tests/a.py`: `test_b`.")
    return tuple(tests)


def _slug(heading: str) -> str:
    """Return 'redis-queue' for 'Redis queue', and 'queue' for 'Redis queue <!-- #queue -->'."""
    named = re.search(r"<!-- #([\w-]+) -->", heading)
    return named[1] if named else "-".join(re.findall(r"\w+", heading.casefold()))
