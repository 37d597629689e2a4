"""Which rows of the plan were asked for, and which row a misspelled id most likely means."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from harness.plan.rows import PlanError, PlanRow

MOST_LISTED = 30
"""Up to so many names are listed where none is similar to what was asked for."""


def nearest(ids: Collection[str], wanted: str) -> list[str]:
    """Return up to three of `ids` that look most like `wanted`, the most similar first."""
    by_upper = {id_.upper(): id_ for id_ in ids}
    return [by_upper[near] for near in difflib.get_close_matches(wanted.upper(), by_upper, n=3, cutoff=0.5)]


def hint(known: Collection[str], wanted: str) -> str:
    """Return " Did you mean …?" with the most similar names; '' where none is similar."""
    near = nearest(known, wanted)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def select(
    rows: Sequence[PlanRow], patterns: Collection[str] | None, section: str | None = None
) -> list[PlanRow]:
    """Return the rows of the section that match any of the patterns (`ERR-*`, as for file names), in order.

    No patterns mean every row. Raise PlanError, with the most similar names, for a pattern that matches no
    row and for an unknown section, and where no row of the section matches.
    """
    sections = list(dict.fromkeys(row.section for row in rows))
    if section is not None and section not in sections:
        raise PlanError(_unknown("section", section, sections))
    for pattern in patterns or ():
        if not any(fnmatchcase(row.id, pattern) for row in rows):
            raise PlanError(_unknown("row", pattern, [row.id for row in rows]))
    chosen = [
        row
        for row in rows
        if section in (None, row.section)
        and (not patterns or any(fnmatchcase(row.id, pattern) for pattern in patterns))
    ]
    if not chosen:
        raise PlanError(f"No row of the section '{section}' matches {', '.join(patterns or ())}.")
    return chosen


def _unknown(what: str, wanted: str, known: Collection[str]) -> str:
    has = (
        f" It has {', '.join(known)}."
        if len(known) <= MOST_LISTED
        else " `python -m harness plan` lists them."
    )
    return f"The plan has no {what} '{wanted}'." + (hint(known, wanted) or has)
