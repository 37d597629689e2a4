"""What the machine does in a step: processor time by group, and how fast the stores answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil

from benchmarks.capacity.steps import Machine
from benchmarks.machine import Watch, cpu_s, usable_cpus
from harness.arithmetic import exact_percentile

PING_EVERY_S = 0.1
Ping = Callable[[], object]


def share_out() -> tuple[set[int], set[int]]:
    """Return the processors of the servers, and the one of the generator; both empty if there is one alone.

    So the load that is made takes nothing from what is measured.
    """
    usable = sorted(psutil.Process().cpu_affinity()) if psutil.LINUX else []
    return (set(usable[:-1]), {usable[-1]}) if len(usable) > 1 else (set(), set())


class Meter:
    """Measures from `begin` until `end`; `groups` are processes by name, `pings` ask the stores."""

    def __init__(
        self,
        groups: Mapping[str, Callable[[], Sequence[psutil.Process]]],
        pings: Mapping[str, Ping],
        for_servers: int,
    ) -> None:
        self._groups, self._pings, self._for_servers = groups, pings, for_servers

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
            processors=usable_cpus(),
            for_servers=self._for_servers,
        )

    def _keep_asking(self, ping: Ping) -> list[float]:
        times_ms = []
        while not self._over.wait(PING_EVERY_S):
            began_s = time.monotonic()
            ping()
            times_ms.append(1000 * (time.monotonic() - began_s))
        return times_ms
