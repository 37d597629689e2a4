"""What the machine does in a step: processor time by group, and how fast the stores answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from benchmarks.capacity.steps import Machine
from benchmarks.machine import Watch, cpu_s, usable_cpus
from harness.arithmetic import exact_percentile

PING_EVERY_S = 0.1
Ping = Callable[[], object]


@dataclass(frozen=True)
class Processors:
    """Which processors the servers may use, and which the generator; both empty: any."""

    number: int
    servers: frozenset[int] = frozenset()
    generator: frozenset[int] = frozenset()

    @property
    def for_servers(self) -> int:
        """How many processors the server and its stores may use."""
        return len(self.servers) or self.number


def shared_out() -> Processors:
    """Return the processors, the last one for the generator: the load takes nothing from what is measured.

    Where there is one alone, or the system cannot keep processes apart, all may use any.
    """
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(usable) < 2:
        return Processors(usable_cpus())
    return Processors(len(usable), frozenset(usable[:-1]), frozenset(usable[-1:]))


class Meter:
    """Measures from `begin` until `end`; `groups` are processes by name, `pings` ask the stores."""

    def __init__(
        self,
        groups: Mapping[str, Callable[[], Sequence[psutil.Process]]],
        pings: Mapping[str, Ping],
        processors: Processors,
    ) -> None:
        self._groups, self._pings, self._shared_out = groups, pings, processors

    def begin(self) -> None:
        """Begin to measure."""
        self._processes = {name: list(processes()) for name, processes in self._groups.items()}
        self._used_s = {name: cpu_s(some) for name, some in self._processes.items()}
        self._began_s, self._watch, self._over = time.monotonic(), Watch(), threading.Event()
        self._pool = ThreadPoolExecutor(max(1, len(self._pings)), "ping")
        self._times_ms = {
            name: self._pool.submit(self._keep_asking, ping) for name, ping in self._pings.items()
        }

    def end(self) -> Machine:
        """Return what was measured."""
        passed_s = max(time.monotonic() - self._began_s, 1e-9)
        cores = {
            name: round((cpu_s(some) - self._used_s[name]) / passed_s, 3)
            for name, some in self._processes.items()
        }
        others = self._watch.busyness().others
        self._over.set()
        times = {name: asked.result() for name, asked in self._times_ms.items()}
        self._pool.shutdown()
        p99 = {name: round(exact_percentile(some, 99), 1) for name, some in times.items() if some}
        return Machine(
            cores=cores,
            store_p99_ms=p99,
            others=others,
            processors=self._shared_out.number,
            for_servers=self._shared_out.for_servers,
        )

    def _keep_asking(self, ping: Ping) -> list[float]:
        times_ms = []
        while not self._over.wait(PING_EVERY_S):
            began_s = time.monotonic()
            ping()
            times_ms.append(1000 * (time.monotonic() - began_s))
        return times_ms
