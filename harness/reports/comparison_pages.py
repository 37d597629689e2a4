"""A comparison as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import to_builtins

from harness.printable import printable
from harness.reports.comparison import Change, Comparison, Move
from harness.reports.markdown import cell
from harness.reports.record import RunRecord

SHOWN_ROWS = 8
_NAMES = {
    "row": ("row", "rows"),
    "promise": ("promise", "promises"),
    "finding": ("kind of finding", "kinds of finding"),
    "delivery": ("delivery time", "delivery times"),
    "capacity": ("capacity", "capacities"),
    "benchmark": ("benchmark", "benchmarks"),
}


def closing(comparison: Comparison) -> str:
    """Return in one sentence what the comparison means."""
    moves = Counter(change.move for change in comparison.changes)
    said = [
        f"{_counted(comparison, move)} {words}"
        for move, words in (
            (Move.WORSE, "got worse"),
            (Move.UNSURE, "could not be decided again"),
            (Move.BETTER, "got better"),
        )
        if moves[move]
    ]
    return f"{', '.join(said)}.".capitalize() if said else "Nothing got better or worse."


def _counted(comparison: Comparison, move: Move) -> str:
    kinds = Counter(change.kind for change in comparison.changes if change.move is move)
    words = [f"{count} {_NAMES[kind][count > 1]}" for kind, count in kinds.items()]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def about(run: RunRecord | None) -> str:
    """Return what a run was, on one line; '' where figures alone are compared."""
    if run is None:
        return ""
    rows = "1 row" if len(run.rows) == 1 else f"{len(run.rows)} rows"
    return f"{run.target}, {rows}, seed {run.seed}, {run.started_at}: {run.verdict}"


def text_lines(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield each line with its style."""
    if comparison.before is not None:
        yield f"Before  {printable(about(comparison.before))}", ""
        yield f"After   {printable(about(comparison.after))}", ""
        yield "", ""
    lines = shown(comparison)
    width = max((len(printable(one.name)) for one in lines), default=0)
    before = max((len(one.before) for one in lines), default=0)
    after = max((len(one.after) for one in lines), default=0)
    for one in lines:
        name = f"{one.kind:<9} {printable(one.name):<{width}}"
        yield f"{name}  {one.before:>{before}} → {one.after:<{after}}  {one.move}".rstrip(), _STYLES[one.move]
    yield "", ""
    for sentence in [*said_below(comparison), closing(comparison)]:
        yield sentence, ""


_MEASURED = ("delivery", "capacity", "benchmark")
_STYLES = {Move.WORSE: "bold red", Move.UNSURE: "yellow", Move.BETTER: "green", Move.SAME: "dim"}


def markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown, such as a comment on a pull request."""
    lines = [f"**{closing(comparison)}**", ""]
    if comparison.before is not None:
        before, after = (cell(about(run)) for run in (comparison.before, comparison.after))
        lines += [f"- before: {before}", f"- after: {after}", ""]
    lines += ["| | | before | after | |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.kind} | {cell(one.name)} | {cell(one.before)} | {cell(one.after)} | {_marked(one.move)} |"
        for one in shown(comparison)
    ]
    lines += ["", *said_below(comparison)]
    return "\n".join(lines).rstrip() + "\n"


def _marked(move: Move) -> str:
    return f"**{move}**" if move in (Move.WORSE, Move.UNSURE) else str(move)


def as_json(comparison: Comparison) -> str:
    """Return every change, also those that are 'same', and the verdict."""
    document = {
        "format": 1,
        "verdict": comparison.verdict,
        "before": about(comparison.before),
        "after": about(comparison.after),
        "changes": to_builtins(comparison.changes),
        "only_before": comparison.only_before,
        "only_after": comparison.only_after,
        "notes": comparison.notes,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def shown(comparison: Comparison) -> list[Change]:
    """Return what moved, and what was measured in any case."""
    same = [one for one in comparison.changes if one.kind in _MEASURED and one.move is Move.SAME]
    return [*comparison.moved(), *same]


def said_below(comparison: Comparison) -> list[str]:
    """Return what is said beside the changes: what was not compared, and notes on figures."""
    return [
        *comparison.notes,
        *_not_in_both(comparison),
    ]


def _not_in_both(comparison: Comparison) -> list[str]:
    return [
        f"Not compared, as only the {which} run has them: {_listed(ids)}."
        for which, ids in (("first", comparison.only_before), ("second", comparison.only_after))
        if ids
    ]


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN_ROWS} more" if len(ids) > SHOWN_ROWS else ""
    return ", ".join(ids[:SHOWN_ROWS]) + more
