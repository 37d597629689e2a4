"""Pollers at a processor: a small simulation, and what was measured at the sizes that run here."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from harness.arithmetic import exact_percentile

ACKED_PER_S = 1.0
"""Messages of each mailbox whose way is followed; more of them, and the percentiles are more exact."""


@dataclass(frozen=True)
class Machine:
    """What a processor does for pollers.

    `poll_us` is the processor time of a poll with its share of the sends, in the server and in its stores;
    `base` is the share of the processor that they take whatever comes.
    """

    poll_us: float
    base: float
    processors: int = 1

    @property
    def service_s(self) -> float:
        """How long a poll has a processor, which is not always there."""
        return self.poll_us / 1e6 / (1 - self.base)


@dataclass(frozen=True)
class Point:
    """What happens at one size: simulated, or measured."""

    pollers: int
    polls_per_s: float
    busy: float
    """The share of the processor that was used."""
    p50_ms: float
    p99_ms: float
    delivery_p50_ms: float | None = field(default=None, kw_only=True)
    """From the ack of a message until the end of the poll that brings it; None if it was not measured."""
    delivery_p99_ms: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Measured(Point):
    """A step of `nox -s capacity`."""

    is_carried: bool


def simulate(
    pollers: int, machine: Machine, *, interval_s: float = 2.0, seconds: float = 8.0, seed: int = 1
) -> Point:
    """Return what these pollers meet, after a warm-up of as long again.

    Each polls `interval_s` after the start of its last poll, or at once when that took longer. Polls are
    served in the order in which they come, each for an exponentially distributed time. Messages are acked at
    any time; the first poll that begins to be served after that brings them.
    """
    random = Random(seed)
    due = [(random.uniform(0, interval_s), number) for number in range(pollers)]
    heapq.heapify(due)
    free = [0.0] * machine.processors
    waits_s, delays_s, used_s = list[float](), list[float](), 0.0
    read_s, acks = dict[int, float](), Random(f"acks:{seed}")
    while due[0][0] < 2 * seconds:
        start_s, number = heapq.heappop(due)
        service_s = random.expovariate(1 / machine.service_s)
        end_s = max(start_s, heapq.heappop(free)) + service_s
        heapq.heappush(free, end_s)
        heapq.heappush(due, (max(start_s + interval_s, end_s), number))
        last_s, read_s[number] = read_s.get(number), end_s - service_s
        if start_s >= seconds:
            waits_s.append(end_s - start_s)
            used_s += service_s * (1 - machine.base)
            if last_s is not None:
                delays_s += _delays(last_s, read_s[number], end_s, acks)
    busy = min(1.0, machine.base + used_s / seconds / machine.processors)
    p50, p99 = (1000 * exact_percentile(waits_s, q) for q in (50, 99))
    delivery_p50, delivery_p99 = (1000 * exact_percentile(delays_s, q) for q in (50, 99))
    delivery = {"delivery_p50_ms": delivery_p50, "delivery_p99_ms": delivery_p99}
    return Point(pollers, len(waits_s) / seconds, busy, p50, p99, **delivery)


def _delays(last_s: float, read_s: float, end_s: float, random: Random) -> Iterator[float]:
    """Yield how late a poll brings the messages that were acked since the last one read the mailbox."""
    acked_s = last_s + random.expovariate(ACKED_PER_S)
    while acked_s < read_s:
        yield end_s - acked_s
        acked_s += random.expovariate(ACKED_PER_S)


def predicted_limit(machine: Machine, *, interval_s: float = 2.0, busy: float = 0.9) -> int:
    """Return how many pollers use this share of the processors."""
    return int((busy - machine.base) * machine.processors * interval_s / (machine.poll_us / 1e6))


HERE = Machine(poll_us=584, base=0.186)
"""Fitted to the sizes that were carried: 292 µs a second for each poller, 41 of them in Redis and MongoDB."""
BARE = Machine(poll_us=330, base=0.03)
"""The same for the bare route."""
MEASURED = (
    Measured(250, 125.0, 0.26, 1.5, 6.5, is_carried=True, delivery_p50_ms=1037.3, delivery_p99_ms=1871.0),
    Measured(500, 250.0, 0.39, 1.5, 7.5, is_carried=True, delivery_p50_ms=1245.2, delivery_p99_ms=1959.6),
    Measured(1000, 500.7, 0.46, 1.1, 10.1, is_carried=True),
    Measured(2000, 1000.0, 0.77, 2.1, 179.3, is_carried=True),
    Measured(2500, 1089.3, 0.99, 2273.8, 4701.5, is_carried=False),
    Measured(3000, 1214.7, 0.99, 2471.1, 4464.2, is_carried=False),
    Measured(4000, 1453.0, 0.99, 3132.1, 4524.3, is_carried=False),
)
"""`nox -s capacity` on 2026-11-26: a server of two workers and its stores on one processor.

Deliveries are those of another run of that day, which other programs kept from larger sizes.
"""
MEASURED_BARE = (
    Measured(4000, 2006.2, 0.72, 0.9, 69.2, is_carried=True),
    Measured(6000, 4203.8, 0.99, 582.3, 1964.4, is_carried=False),
)
