"""Results as a run leaves them, with what a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.machine import Busyness, Environment
from benchmarks.results import Result, Run, verdict_of
from benchmarks.statistics import summary
from harness.verdict import Verdict

QUIET = Busyness(others=0.01, stolen=0.0, cpu_pressure=0.5, io_pressure=0.0)
BUSY = Busyness(others=0.62, stolen=0.03, cpu_pressure=0.9, io_pressure=0.1)
HERE = Environment(
    cpus=2, memory_mb=4096, platform="Linux-6", python="3.11.7", packages={}, load_average=(0.5, 0.25, 0.125)
)


def result(
    name: str = "idle_poll_cpu_ratio", values: Sequence[float] = (1.5, 1.5, 1.5), **changes: Any
) -> Result:
    """Return a figure of these rounds."""
    fields = {
        "name": name,
        "what": "CPU of an idle poll",
        "value": summary(values),
        "unit": "µs",
        "is_ratio": True,
        "more_is_better": False,
        "subject": 345.6,
        "floor": 220.0,
        "floor_is": "a bare route",
        "bound": 1.6,
        "resolution": 0.0,
        "verdict": Verdict.PASS,
        "reason": "",
        "busyness": QUIET,
        "beside": {"wall_us": 400.0},
        "seconds": 12.5,
    }
    return Result(**fields | changes)


def run(*figures: Result, **changes: Any) -> Run:
    """Return a run of these figures."""
    fields = {
        "started_at": "2026-01-01T12:00:00+00:00",
        "seconds": 61.0,
        "quick": False,
        "busy": any(figure.is_busy for figure in figures),
        "verdict": verdict_of(figures, {}),
        "environment": HERE,
        "figures": figures,
    }
    return Run(**fields | changes)
