"""How a figure is measured: round by round, the server and its limit in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.clients import Connection, Driven, drive
from benchmarks.machine import Busyness, Watch
from benchmarks.servers import Server, Site
from harness.errors import InfrastructureError

MICRO = 1e6


@dataclass(frozen=True)
class Effort:
    """How much is measured: the number of rounds, and the share of a full round's requests or seconds."""

    rounds: int
    share: float

    def count(self, full: int) -> int:
        """Return a number of requests."""
        return max(1, round(full * self.share))

    def seconds(self, full: float) -> float:
        """Return a time."""
        return full * self.share


FULL = Effort(rounds=9, share=1.0)
QUICK = Effort(rounds=5, share=0.12)


@dataclass(frozen=True)
class Round:
    """What one round measured: the server, its limit or floor, and more quantities by name."""

    subject: float
    floor: float
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """What one request costs, in microseconds."""

    cpu_us: float
    wall_us: float
    generator_share: float


@dataclass(frozen=True)
class Measured:
    """The rounds of a figure, and what other programs did meanwhile."""

    rounds: Sequence[Round]
    busyness: Busyness


Measure = Callable[[Site, Effort], Measured]


def measured(effort: Effort, one: Callable[[int], Round]) -> Measured:
    """Measure round after round; each is given its number. Every process of the run must live already."""
    watch = Watch()
    rounds = [one(number) for number in range(effort.rounds)]
    return Measured(rounds, watch.busyness())


@dataclass(frozen=True)
class Load:
    """Requests that are repeated on open connections to one server."""

    server: Server
    connections: Sequence[Connection]
    scripts: Sequence[Iterator[bytes]]

    def cost(self, total: int) -> Cost:
        """Send so many requests, and return what each costs the server."""
        before_s = self.server.cpu_s()
        driven = drive(self.connections, self.scripts, total)
        used_s = self.server.cpu_s() - before_s
        return _cost(driven, used_s)


def _cost(driven: Driven, used_s: float) -> Cost:
    each = MICRO / driven.requests
    return Cost(used_s * each, driven.wall_s * each, driven.generator_share)


@contextmanager
def loaded(server: Server, scripts: Sequence[Iterator[bytes]]) -> Iterator[Load]:
    """Yield a load with one connection for each script."""
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.address)) for _ in scripts]
        yield Load(server, connections, scripts)


def compare_costs(subject: Load, floor: Load, effort: Effort, *, requests: int) -> Measured:
    """Measure the CPU time of a request, in microseconds; which of the two is first alternates."""
    total = effort.count(requests)

    def one(number: int) -> Round:
        if number % 2:
            floors = floor.cost(total)
            return _round(subject.cost(total), floors)
        return _round(subject.cost(total), floor.cost(total))

    for load in (subject, floor):
        load.cost(max(total // 10, len(load.connections)))  # so that both are warm
    return measured(effort, one)


def _round(subject: Cost, floor: Cost) -> Round:
    if min(subject.cpu_us, floor.cpu_us) <= 0:
        raise InfrastructureError("A round was too short for the clock of CPU time, or a worker ended in it.")
    beside = {
        "wall_us": subject.wall_us,
        "floor_wall_us": floor.wall_us,
        "generator_share": subject.generator_share,
        "floor_generator_share": floor.generator_share,
    }
    return Round(subject.cpu_us, floor.cpu_us, beside)


def let_pass(seconds: float) -> float:
    """Let time pass in which this process does nothing; return how long it was."""
    began_s = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - began_s
