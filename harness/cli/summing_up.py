"""The tables at the end of a run of many seeds."""

from __future__ import annotations

from collections import Counter

from rich.table import Table
from rich.text import Text

from harness.chaos.phases import Phase
from harness.chaos.seeds_file import SeedResult
from harness.chaos.summary import Summary, percentiles
from harness.cli.console import console, say
from harness.cli.watching import WORDS
from harness.reports.terminal import STYLES
from harness.verdict import Verdict

SHOWN_PAIRS = 8
LONGEST_REASON = 160


def headline(result: SeedResult) -> str:
    """Return how the run of a seed ended, on one line."""
    said = f"seed {result.seed:<6} {result.verdict:<12} {result.seconds:>6.1f} s"
    if result.verdict is not Verdict.PASS:
        return f"{said}  {'; '.join(result.broke) or result.reason[:LONGEST_REASON]}"
    figures = result.figures
    if figures is None:
        return said
    recovered_s = max(figures.recovered_in_s, default=0.0)
    faults = sum(figures.faults.values())
    return f"{said}  {faults} faults, slowest {figures.slowest_s:.2f} s, recovered in {recovered_s:.2f} s"


def closing(summary: Summary, *, of: int) -> Text:
    """Return what the seeds showed, in a sentence."""
    counts = Counter(result.verdict for result in summary.results)
    counted = ", ".join(f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict])
    said = f"{summary.verdict.capitalize()}: {len(summary.results)} of {of} seeds, {counted}."
    return Text(said, style=STYLES[summary.verdict])


def show(summary: Summary, *, of: int) -> None:
    """Print what happened, what each fault struck, and which faults met; `of` is the number of seeds."""
    say()
    console.print(_totals(summary, of))
    say()
    console.print(_struck(summary))
    say()
    _say_pairs(summary)


def _plain(*headings: str) -> Table:
    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _totals(summary: Summary, of: int) -> Table:
    table = _plain("", "", "Seed")
    verdicts = Counter(result.verdict for result in summary.results)
    table.add_row("seeds", f"{len(summary.results)} of {of}")
    for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED):
        if verdicts[verdict] or verdict is Verdict.FAIL:
            table.add_row(f"  {verdict}", str(verdicts[verdict]))
    table.add_row("faults", str(summary.faults.total()))
    for name, said in (
        ("sends", "sends"),
        ("lost", "  lost"),
        ("doubled", "  doubled"),
        ("reordered", "  reordered"),
        ("refused", "  refused"),
        ("unknown", "  outcome unknown"),
        ("polls", "polls"),
    ):
        table.add_row(said, str(summary.count(name)))
    for name, said in (("slowest_s", "slowest answer"), ("slowest_quiet_s", "  without a fault")):
        took_s, seed = summary.slowest(name)
        table.add_row(said, f"{took_s:.2f} s", "" if seed is None else str(seed))
    _add_recoveries(table, summary)
    return table


def _add_recoveries(table: Table, summary: Summary) -> None:
    numbers = percentiles(summary.recoveries())
    table.add_row("outages", str(summary.count("outages")))
    table.add_row("  with a timed recovery", str(numbers["timed"]))
    for name in ("p50", "p95", "max"):
        if name in numbers:
            seed = str(numbers["seed"]) if name == "max" else ""
            table.add_row(f"  normal again after, {name}", f"{numbers[name]:.2f} s", seed)


def _struck(summary: Summary) -> Table:
    """Return how far the sends came that were under way during each fault."""
    table = _plain("Fault", "Times", *(f"{phase}" for phase in Phase))
    for column, phase in zip(table.columns[2:], Phase, strict=True):
        column.width = max(map(len, str(phase).split()))  # else the names of faults have no room
    for fault in sorted(summary.faults):
        struck = summary.struck(fault)
        table.add_row(fault, str(summary.faults[fault]), *(str(struck[phase] or "") for phase in Phase))
    return table


def _say_pairs(summary: Summary) -> None:
    if unused := sorted({kind.full_name for kind in summary.kinds} - set(summary.faults)):
        say(f"Never injected: {', '.join(unused)}.")
    say(f"Faults that met: {len(summary.met)} of the {len(summary.can_meet)} pairs that may overlap.")
    missing = [pair for pair in summary.can_meet if pair not in summary.met]
    if missing:
        some = ", ".join(f"{one} and {other}" for one, other in missing[:SHOWN_PAIRS])
        more = f" and {len(missing) - SHOWN_PAIRS} more" if len(missing) > SHOWN_PAIRS else ""
        say(f"Never met: {some}{more}.")
