"""The figures as the terminal shows them; every verdict is a word, and 80 columns are enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from benchmarks.comparison import Change
from benchmarks.figures import ELSEWHERE
from benchmarks.results import Result, Run
from harness.reports.comparison import Move
from harness.reports.terminal import STYLES
from harness.reports.words import duration

MOVE_STYLES = {Move.BETTER: "green", Move.SAME: "", Move.WORSE: "bold red", Move.UNSURE: "yellow"}
GENERATOR_SHARES = ("generator_share", "floor_generator_share")
GENERATOR_IS_THE_LIMIT = 0.9
"""Of the one processor that it can use."""
HEADS = ("Figure", "Value", "Spread", "Bound", "Server", "Limit", "Verdict")
CHANGE_HEADS = ("Figure", "Before", "After", "Change", "Noise", "Moved")


def table(results: Iterable[Result]) -> Table:
    """Return one line for each figure."""
    made = _empty(HEADS)
    for one in results:
        made.add_row(*cells(one)[:-1], Text(one.verdict.value, style=STYLES[one.verdict]))
    return made


def _empty(heads: Sequence[str]) -> Table:
    """Return a table whose columns between the first and the last hold numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        made.add_column(head, justify="left" if head in (heads[0], heads[-1]) else "right", no_wrap=True)
    return made


def cells(one: Result) -> list[str]:
    """Return a figure's line; the spread is half the distance of the quartiles."""
    value = one.value
    return [
        one.name,
        number(value.median),
        f"± {number((value.q3 - value.q1) / 2)}",
        f"{'≥' if one.more_is_better else '≤'} {one.bound:g}",
        amount(one.subject, one.unit),
        amount(one.floor, one.unit),
        one.verdict.value,
    ]


def changes(found: Iterable[Change]) -> Table:
    """Return one line for each figure of two runs."""
    made = _empty(CHANGE_HEADS)
    for one in found:
        made.add_row(*changed(one)[:-1], Text(one.move.value, style=MOVE_STYLES[one.move]))
    return made


def changed(one: Change) -> list[str]:
    """Return a figure's line; a change from zero has no share."""
    unit = "" if one.after.is_ratio else one.after.unit
    before, after = one.before.value.median, one.after.value.median
    share = f"{one.difference / abs(before):+.1%}" if before else f"{one.difference:+.2f}"
    return [
        one.after.name,
        amount(before, unit),
        amount(after, unit),
        share,
        f"± {number(one.noise)}",
        one.move.value,
    ]


def amount(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Return a number as people read it: three digits that count, and no decimals from a hundred on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def notes(run: Run) -> list[str]:
    """Return what is said below the table: reasons, what else was measured, and where."""
    said = [f"{one.name}: {one.reason}." for one in run.figures if one.reason]
    said += [f"{name} could not be measured: {reason}" for name, reason in run.not_measured.items()]
    said += [_busy(run)] if run.busy else []
    said += [f"{one.name}: the generator was as busy as the server." for one in run.figures if _is_limit(one)]
    said += [f"{name} has a session of its own: {command}" for name, command in ELSEWHERE.items()]
    where = run.environment
    load = " ".join(f"{average:.2f}" for average in where.load_average)
    took = f"{duration(run.seconds)}{', quick' if run.quick else ''}"
    said.append(f"{took}; {where.cpus} processors, Python {where.python}, load average at the start {load}.")
    return said


def _is_limit(one: Result) -> bool:
    """Return whether the load generator may have been the limit, and not the server."""
    return max(one.beside.get(name, 0.0) for name in GENERATOR_SHARES) > GENERATOR_IS_THE_LIMIT


def _busy(run: Run) -> str:
    names = ", ".join(one.name for one in run.figures if one.is_busy)
    return f"Other programs used this machine meanwhile, so that a missed bound is inconclusive: {names}."


def about_changes(before: Run, after: Run, found: Sequence[Change]) -> list[str]:
    """Return what is said below the changes."""
    said = []
    unsure = [one.after.name for one in found if one.move is Move.UNSURE]
    if unsure:
        said.append(
            f"The machine was busy in one of the runs, so that these may not be worse: {', '.join(unsure)}."
        )
    if alone := sorted({*before.by_name(), *after.by_name()} - {one.after.name for one in found}):
        said.append(f"Not compared: {', '.join(alone)}.")
    if (before.environment.platform, before.environment.cpus) != (
        after.environment.platform,
        after.environment.cpus,
    ):
        other = f"{before.environment.cpus} processors, {before.environment.platform}"
        said.append(f"The earlier run was on another machine: {other}.")
    return said
