"""The delivery curve: which share of the messages had arrived after how long, beside a perfect server's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.arithmetic import exact_percentile
from harness.reports.record import RunRecord

WIDTH, HEIGHT = 600, 200
POINTS = 200


@dataclass(frozen=True)
class Curve:
    """Paths and places in units of the viewBox."""

    path: str
    floor: str
    """A perfect server's, all of whose clients poll at the interval and hold no poll open."""
    bound_x: float
    ticks: tuple[tuple[float, str], ...]
    count: int
    p50_s: float
    p95_s: float
    longest_s: float
    late: int
    width: int = WIDTH
    height: int = HEIGHT


def delivery_curve(run: RunRecord) -> Curve | None:
    """Return the curve over all rows that timed deliveries; None if none did."""
    curves = delivery_curves([row.latencies_s for row in run.rows], bound_s=run.delivered_within_s)
    return curves[0] if curves else None


def delivery_curves(*runs: Sequence[Sequence[float]], bound_s: float) -> list[Curve]:
    """Return the curve of each run's delays, which are given by row, on one scale; [] if one has none."""
    all_ = [sorted(delay for delays in run for delay in delays) for run in runs]
    if not all(all_):
        return []
    longest_s = max(exact_percentile(delays, 99.9) for delays in all_)
    span_s = max(1.25 * bound_s, min(longest_s, 4 * bound_s))
    return [_curve(delays, bound_s, span_s) for delays in all_]


def _curve(delays: Sequence[float], bound_s: float, span_s: float) -> Curve:
    shares = [bisect_right(delays, span_s * point / POINTS) / len(delays) for point in range(POINTS + 1)]
    places = [f"{WIDTH * point / POINTS:g} {_y(share)}" for point, share in enumerate(shares)]
    return Curve(
        path="M" + "L".join(places),
        floor=f"M0 {HEIGHT}L{_x(bound_s, span_s)} 0L{WIDTH} 0",
        bound_x=_x(bound_s, span_s),
        ticks=tuple(_ticks(bound_s, span_s)),
        count=len(delays),
        p50_s=exact_percentile(delays, 50),
        p95_s=exact_percentile(delays, 95),
        longest_s=delays[-1],
        late=sum(delay > bound_s for delay in delays),
    )


def _x(seconds: float, span_s: float) -> float:
    return round(WIDTH * seconds / span_s, 1)


def _y(share: float) -> float:
    return round(HEIGHT * (1 - share), 1)


def _ticks(bound_s: float, span_s: float) -> Iterable[tuple[float, str]]:
    step_s = bound_s / 4
    for number in range(int(span_s / step_s) + 1):
        yield _x(number * step_s, span_s), f"{number * step_s:g}"
