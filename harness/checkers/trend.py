"""Whether something grows: a slope with its uncertainty, from samples over time.

Neighbouring samples are alike (memory that was high a second ago still is), so a line fitted to all of them
would look far more certain than it is. It is fitted to the means of a few blocks instead, after a warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

WARM_UP_SHARE = 0.25
"""Caches fill and pools open at the beginning: that is not a leak."""
BLOCKS = 10
T_975 = 2.306
"""Student's t for 97.5 % and BLOCKS - 2 degrees of freedom."""
FEWEST = 4 * BLOCKS
Sample = tuple[float, float]
"""When, in seconds, and how much."""


@dataclass(frozen=True)
class Trend:
    """Growth per hour: the estimate, and the bounds of its 95 % confidence interval."""

    per_hour: float
    low: float
    high: float
    level: float
    """The mean after the warm-up."""
    hours: float
    """How long the samples last, after the warm-up."""


def trend(samples: Sequence[Sample]) -> Trend | None:
    """Return the trend of samples in the order of time; None if they are too few."""
    settled = samples[int(len(samples) * WARM_UP_SHARE) :]
    if len(settled) < FEWEST:
        return None
    size = len(settled) / BLOCKS
    blocks = [settled[int(i * size) : int((i + 1) * size)] for i in range(BLOCKS)]
    hours = [fmean(at for at, _ in block) / 3600 for block in blocks]
    values = [fmean(value for _, value in block) for block in blocks]
    slope, intercept = linear_regression(hours, values)
    rest = sum((y - intercept - slope * x) ** 2 for x, y in zip(hours, values, strict=True))
    middle = fmean(hours)
    error = math.sqrt(rest / (BLOCKS - 2) / sum((x - middle) ** 2 for x in hours))
    return Trend(slope, slope - T_975 * error, slope + T_975 * error, fmean(values), _hours(settled))


def _hours(samples: Sequence[Sample]) -> float:
    return (samples[-1][0] - samples[0][0]) / 3600
