"""When each user sends, drawn from the seed before anything is asked: an open load.

A user's sends are a Poisson process: their times do not depend on the answers, so a stalled server cannot
slow its own test down. A shape makes the process more or less dense over time; users that are away do not
send.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

STEADY = "steady"
SPIKE_TIMES = 5.0
SPIKE = (0.45, 0.6)
AWAY = (0.4, 0.5)
"""Parts of the run, from 0 to 1."""


@dataclass(frozen=True)
class Shape:
    """How dense the sends are at each part of the run, 0 to 1; 1 is what `--send-every` says.

    `highest` is the most that `level` returns. `away` is when all users are gone, and come back at once.
    `fault` is when something is broken.
    """

    level: Callable[[float], float]
    highest: float = 1.0
    away: tuple[float, float] | None = None
    fault: tuple[float, float] | None = None


def _spike(part: float) -> float:
    return SPIKE_TIMES if SPIKE[0] <= part < SPIKE[1] else 1.0


SHAPES: Mapping[str, Shape] = {
    STEADY: Shape(lambda part: 1.0),
    "ramp": Shape(lambda part: part),
    "spike": Shape(_spike, SPIKE_TIMES),
    "storm": Shape(lambda part: 0.0 if AWAY[0] <= part < AWAY[1] else 1.0, away=AWAY),
    "fault": Shape(lambda part: 1.0, fault=AWAY),
}


@dataclass(frozen=True)
class Load:
    """What a run does: every user sends once in `send_every_s` on average, in a shape, for `run_time_s`.

    Without a run time the shape is steady.
    """

    seed: int
    send_every_s: float
    shape: Shape
    run_time_s: float

    def level(self, since_begin_s: float) -> float:
        """Return how dense the sends are at this time."""
        return self.shape.level(min(1.0, since_begin_s / self.run_time_s))

    def random(self, user: str) -> Random:
        """Return the source of a user's random choices."""
        return Random(f"{self.seed}:{user}")

    def sends(self, user: str, since_s: float) -> Iterator[float]:
        """Yield when a user sends, in seconds since the begin, if it is there from `since_s` on.

        By thinning: times of the densest process are drawn, and each is kept with the probability of its
        level.
        """
        random, highest, at_s = self.random(f"sends of {user}"), self.shape.highest, since_s
        while True:
            at_s += random.expovariate(highest / self.send_every_s)
            if random.random() * highest < self.level(at_s):
                yield at_s

    def away(self) -> tuple[float, float] | None:
        """Return when all users are gone, in seconds since the begin; None if never."""
        return None if self.shape.away is None else self._span(self.shape.away)

    def fault(self) -> tuple[float, float] | None:
        """Return when something is broken, in seconds since the begin; None if nothing is."""
        return None if self.shape.fault is None else self._span(self.shape.fault)

    def _span(self, part: tuple[float, float]) -> tuple[float, float]:
        return part[0] * self.run_time_s, part[1] * self.run_time_s


def recorded_share(users: int, send_every_s: float, run_time_s: float, *, most_lines: int) -> float:
    """Return which share of the mailboxes can be recorded, 0 to 1, so that the history stays this short."""
    run_time_s = run_time_s if math.isfinite(run_time_s) else 3600.0
    lines = users * run_time_s * (1 / 2.0 + 2 / send_every_s)
    return min(1.0, most_lines / max(1.0, lines))
