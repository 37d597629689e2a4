"""What gave out first in a step, by processor time and by how long the stores took. Pure."""

from __future__ import annotations

from benchmarks.capacity.steps import GENERATOR, MONGODB, OTHERS, REDIS, SERVER, Load, Machine

BUSY = 0.9
"""A thread that uses so much of a processor, or processes that use so much of theirs, can do no more."""
SLOW_STORE_MS = 100.0
MISSED_OF = 1000
"""One missed arrival of so many is nothing."""
LATE_MS = 250.0
MANY_OTHERS = 0.25
"""Where others use so much of a full machine, a promise that broke says little of the server."""


def is_in_time(load: Load) -> bool:
    """Whether the generator made its load as intended."""
    return load.missed_arrivals <= load.arrivals // MISSED_OF and load.lag_p99_ms <= LATE_MS


def gave_out(load: Load, machine: Machine) -> str:
    """Return which group gave out first, where a step was not carried."""
    if not is_in_time(load) or machine.cores.get(GENERATOR, 0.0) >= BUSY:
        return GENERATOR
    used = {name: machine.cores[name] for name in (SERVER, REDIS, MONGODB) if name in machine.cores}
    in_use = sum(machine.cores.values()) / machine.processors + machine.others
    if used and machine.others >= MANY_OTHERS and in_use >= BUSY:
        return OTHERS
    if used and sum(used.values()) >= BUSY * machine.for_servers:
        return max(used, key=used.__getitem__)
    if used.get(REDIS, 0.0) >= BUSY:  # it has one thread
        return REDIS
    slowest = max(machine.store_p99_ms, key=machine.store_p99_ms.__getitem__, default="")
    if slowest and machine.store_p99_ms[slowest] >= SLOW_STORE_MS:
        return slowest
    return SERVER  # all others had room
