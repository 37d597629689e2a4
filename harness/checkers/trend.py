"""Whether something grows: a slope with its uncertainty, from samples over time.

Neighbouring samples are alike (memory that was high a second ago still is), so a line through all of them
would look far more certain than it is. It goes through the means of a few blocks instead, after a warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

WARM_UP_SHARE = 0.25
"""Caches fill and pools open at the beginning: that is no leak."""
BLOCKS = 10
T_975 = 2.306
"""Student's t for 97.5 % and BLOCKS - 2 degrees of freedom."""
FEWEST = 4 * BLOCKS
Sample = tuple[float, float]
"""When, in seconds, and how much."""


@dataclass(frozen=True)
class Trend:
    """Growth an hour: the likeliest, and the bounds between which it is with 95 % confidence."""

    per_hour: float
    low: float
    high: float
    level: float
    """The mean after the warm-up."""
    hours: float
    """How long was looked, after the warm-up."""


def trend(samples: Sequence[Sample]) -> Trend | None:
    """The trend of samples in the order of time; None where they are too few to tell any."""
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
