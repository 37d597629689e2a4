"""One run: figure after figure, on one set of services."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
import redis
from pymongo.errors import PyMongoError

from benchmarks.figures import Figure
from benchmarks.machine import IDLE, environment
from benchmarks.measuring import FULL, QUICK, Measured
from benchmarks.results import Result, Run, verdict_of
from benchmarks.servers import Site
from benchmarks.statistics import summary
from benchmarks.verdicts import verdict
from harness.errors import InfrastructureError
from harness.interrupts import INTERRUPTS
from harness.printable import printable
from harness.stack import Services

CANNOT_BE_MEASURED = (InfrastructureError, OSError, psutil.Error, PyMongoError, redis.RedisError)


def run(
    figures: Sequence[Figure],
    *,
    command: Sequence[str],
    logs: Path,
    quick: bool,
    say: Callable[[str], None],
    begins: Callable[[Figure], None],
    ended: Callable[[Figure], None],
) -> Run:
    """Measure the figures in turn; `begins` and `ended` are called with each.

    An interrupted run returns what it has measured. Raise HarnessError; KeyboardInterrupt if that is nothing.
    """
    began, started_at, machine = time.monotonic(), datetime.now(UTC), environment()
    effort = QUICK if quick else FULL
    results: list[Result] = []
    not_measured: dict[str, str] = {}
    interrupted = False
    try:
        with Services(say=say, logs=logs) as services, Site(services, logs, command) as site:
            for figure in figures:
                begins(figure)
                since = time.monotonic()
                try:
                    found = figure.measure(site, effort)
                    results.append(result_of(figure, found, time.monotonic() - since))
                except CANNOT_BE_MEASURED as error:  # the others can be
                    not_measured[figure.name] = _sentence(error)
                    site.stop()
                ended(figure)
    except KeyboardInterrupt:
        if not results:
            raise
        INTERRUPTS.seen()
        interrupted = True
        left = [figure.name for figure in figures if figure.name not in {result.name for result in results}]
        not_measured = dict.fromkeys(left, "The run was interrupted.") | not_measured
    measured = tuple(results)
    return Run(
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 1),
        quick=quick,
        busy=any(result.is_busy for result in measured),
        verdict=verdict_of(measured, not_measured),
        environment=machine,
        figures=measured,
        not_measured=not_measured,
        interrupted=interrupted,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, InfrastructureError):
        return error.sentence
    return printable(f"{type(error).__name__}: {error}.")


def result_of(figure: Figure, found: Measured, seconds: float) -> Result:
    """Return what the rounds of a figure say."""
    values = [one.subject / one.floor if figure.is_ratio else one.subject for one in found.rounds]
    value = summary(values)
    busyness = found.busyness if figure.is_timed else IDLE
    judged, reason = verdict(value, figure.bound, busyness, more_is_better=figure.more_is_better)
    beside = {name: [one.beside[name] for one in found.rounds] for name in found.rounds[0].beside}
    return Result(
        name=figure.name,
        what=figure.what,
        value=value,
        unit=figure.unit,
        is_ratio=figure.is_ratio,
        more_is_better=figure.more_is_better,
        subject=statistics.median(one.subject for one in found.rounds),
        floor=statistics.median(one.floor for one in found.rounds),
        floor_is=figure.floor,
        bound=figure.bound,
        resolution=figure.resolution,
        verdict=judged,
        reason=reason,
        busyness=busyness,
        beside={name: statistics.median(values) for name, values in beside.items()},
        seconds=round(seconds, 1),
    )
