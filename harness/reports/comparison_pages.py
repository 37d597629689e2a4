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


def about(run: RunRecord) -> str:
    """Return what a run was, on one line."""
    rows = "1 row" if len(run.rows) == 1 else f"{len(run.rows)} rows"
    return f"{run.target}, {rows}, seed {run.seed}, {run.started_at}: {run.verdict}"


def text_lines(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield each line with its style."""
    yield f"Before  {printable(about(comparison.before))}", ""
    yield f"After   {printable(about(comparison.after))}", ""
    yield "", ""
    shown = _shown(comparison)
    width = max((len(printable(one.name)) for one in shown), default=0)
    before = max((len(one.before) for one in shown), default=0)
    after = max((len(one.after) for one in shown), default=0)
    for one in shown:
        name = f"{one.kind:<9} {printable(one.name):<{width}}"
        yield f"{name}  {one.before:>{before}} → {one.after:<{after}}  {one.move}".rstrip(), _STYLES[one.move]
    yield "", ""
    for sentence in [*_not_in_both(comparison), closing(comparison)]:
        yield sentence, ""


_STYLES = {Move.WORSE: "bold red", Move.UNSURE: "yellow", Move.BETTER: "green", Move.SAME: "dim"}


def markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown, such as a comment on a pull request."""
    lines = [f"**{closing(comparison)}**", ""]
    lines += [f"- before: {cell(about(comparison.before))}", f"- after: {cell(about(comparison.after))}", ""]
    lines += ["| | | before | after | |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.kind} | {cell(one.name)} | {cell(one.before)} | {cell(one.after)} | {_marked(one.move)} |"
        for one in _shown(comparison)
    ]
    lines += ["", *_not_in_both(comparison)]
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
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _shown(comparison: Comparison) -> list[Change]:
    """Return what moved, and the delays in any case."""
    delivery = [one for one in comparison.changes if one.kind == "delivery" and one.move is Move.SAME]
    return [*comparison.moved(), *delivery]


def _not_in_both(comparison: Comparison) -> list[str]:
    return [
        f"Not compared, as only the {which} run has them: {_listed(ids)}."
        for which, ids in (("first", comparison.only_before), ("second", comparison.only_after))
        if ids
    ]


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN_ROWS} more" if len(ids) > SHOWN_ROWS else ""
    return ", ".join(ids[:SHOWN_ROWS]) + more
