"""The result of a run: `capacity.json`, and what the terminal shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from benchmarks.capacity.search import Answer
from benchmarks.capacity.steps import GENERATOR, MONGODB, OTHERS, REDIS, SERVER, Step
from benchmarks.machine import Environment
from harness.errors import CannotWrite
from harness.reports.files import write_atomically
from harness.typed import Record
from harness.verdict import Verdict

FORMAT = 1
RATIO_BOUND = 0.6
REMEDY = "--reports FOLDER puts it elsewhere"
_BARS = "▁▂▃▄▅▆▇█"


class Curve(Record, frozen=True):
    """The steps of one search, in their order, and what they found."""

    carried: int
    """The most pollers that were carried; 0 if none were."""
    not_carried: int | None
    """The fewest above it that were not; None if nothing was."""
    steps: tuple[Step, ...]

    @property
    def best(self) -> Step | None:
        """The step that carried the most."""
        carried = [it for it in self.steps if it.answer is Answer.CARRIED and it.pollers == self.carried]
        return carried[0] if carried else None

    @property
    def limit(self) -> Step | None:
        """The last step at the size that was not carried."""
        broken = [
            it for it in self.steps if it.answer is not Answer.CARRIED and it.pollers == self.not_carried
        ]
        return broken[-1] if broken else None

    @property
    def gave_out(self) -> str:
        """What gave out first; '' if nothing did."""
        return self.limit.gave_out if self.limit else ""


class Capacity(Record, frozen=True):
    """One run."""

    started_at: str
    seconds: float
    quick: bool
    target: str
    interval_s: float
    send_every_s: float
    seed: int
    verdict: Verdict
    reason: str
    server: Curve
    bare: Curve | None
    """Of a bare JSON route under the same generator; None if it was not measured."""
    capacity_ratio: float | None
    """The pollers that the server carries over those that the bare route does; None if not both are known."""
    environment: Environment
    format: int = FORMAT


def verdict_of(curve: Curve, *, was_interrupted: bool) -> tuple[Verdict, str]:
    """Return the verdict on a search, and why it is not a pass.

    Fail where a promise broke that no load excuses; pass where it is known how much is carried, and what gave
    out then; else inconclusive.
    """
    unsafe = [step for step in curve.steps if step.is_unsafe]
    if unsafe:
        return Verdict.FAIL, f"with {unsafe[0].pollers:,} pollers: {unsafe[0].why}"
    if was_interrupted:
        return Verdict.INCONCLUSIVE, "it was interrupted"
    limit = curve.limit
    if curve.carried == 0:
        return Verdict.INCONCLUSIVE, f"no size was carried: {limit.why if limit else 'none was tried'}"
    if limit is None:
        return Verdict.INCONCLUSIVE, f"nothing gave out: {curve.carried:,} pollers are carried, or more"
    if limit.gave_out == GENERATOR:
        return Verdict.INCONCLUSIVE, f"the load generator gave out with {limit.pollers:,} pollers"
    if limit.gave_out == OTHERS:
        return Verdict.INCONCLUSIVE, f"other programs used {limit.machine.others:.0%} of the machine"
    return Verdict.PASS, ""


def ratio(server: Curve, bare: Curve | None) -> float | None:
    """Return the pollers that the server carries over those of the bare route.

    None unless both limits are known: a search can end before anything gives out.
    """
    if bare is None or not server.carried or server.limit is None or bare.limit is None or not bare.carried:
        return None
    return round(server.carried / bare.carried, 3)


def write(capacity: Capacity, path: Path) -> None:
    """Write the file. Raise CannotWrite."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(msgspec.to_builtins(capacity), indent=1) + "\n")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error


def table(curve: Curve, what: str) -> Table:
    """Return the curve: one line for each size, the smallest first."""
    shown = Table(what, *_HEADINGS, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in shown.columns:
        column.justify = "left" if column is shown.columns[-1] else "right"
    steps = sorted(curve.steps, key=lambda step: step.pollers)
    bars = sparkline([step.load.poll_p99_ms or 0.0 for step in steps])
    for step, bar in zip(steps, bars, strict=True):
        shown.add_row(f"{step.pollers:,}", *_cells(step, bar))
    return shown


_CULPRITS = {
    SERVER: "The server gave out first",
    REDIS: "Redis gave out first",
    MONGODB: "MongoDB gave out first",
    GENERATOR: "The load generator gave out first",
    OTHERS: "Other programs used the machine",
}
_GROUPS = (SERVER, REDIS, MONGODB, GENERATOR)
_HEADINGS = (
    *("sends\nper s", "lost", "late", "delivery\np99 ms", "poll\np99 ms", ""),
    *("server\nCPU", "Redis\nCPU", "MongoDB\nCPU", "load\nCPU", "what gave out"),
)


def _cells(step: Step, bar: str) -> Iterator[str]:
    yield f"{step.load.sends_per_s:,.0f}"
    yield f"{step.lost:,}"
    yield f"{step.late:,}"
    yield _ms(step.delivery_p99_ms)
    yield _ms(step.load.poll_p99_ms)
    yield bar
    for name in _GROUPS:
        yield f"{step.machine.cores[name]:.0%}" if name in step.machine.cores else ""
    yield step.gave_out


def sentences(capacity: Capacity) -> Iterator[str]:
    """Yield what the run found."""
    best, limit = capacity.server.best, capacity.server.limit
    if best is not None:
        yield (
            f"{best.pollers:,} pollers at {capacity.interval_s:g} s with {best.lost} lost, "
            f"{best.load.sends_per_s:,.1f} messages/s."
        )
    if limit is not None:
        yield f"{_CULPRITS[limit.gave_out]}, with {limit.pollers:,} pollers: {limit.why}."
    if capacity.bare is not None and capacity.capacity_ratio is None:
        yield "No capacity_ratio is known: the limit of the server or of the bare route was not found."
    if capacity.capacity_ratio is not None and capacity.bare is not None:
        kept = "at least" if capacity.capacity_ratio >= RATIO_BOUND else "less than"
        yield (
            f"capacity_ratio {capacity.capacity_ratio:.2f}, {kept} {RATIO_BOUND:g}: "
            f"the bare route carries {capacity.bare.carried:,} pollers."
        )
    if capacity.verdict is not Verdict.PASS:
        yield f"{capacity.verdict.value}: {capacity.reason}."


def sparkline(values: Sequence[float]) -> list[str]:
    """Return a bar for each value, the highest for the largest."""
    top = max(values, default=0.0) or 1.0
    return [_BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] for value in values]


def _ms(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f}"
