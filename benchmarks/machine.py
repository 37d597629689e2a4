"""The machine that measures: what it is, and whether other programs used it meanwhile."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Iterable, Mapping

import psutil

from harness.reports.figures import BUSY_SHARE
from harness.runner.machine import waited_us
from harness.typed import Record

PACKAGES = ("flask", "gunicorn", "gevent", "redis", "pymongo", "psutil")

_CPUCLOCK_SCHED = 2  # clock_getcpuclockid(3): the kernel's number of the clock of any process


class Environment(Record, frozen=True):
    """Where the figures were measured."""

    cpus: int
    memory_mb: int
    platform: str
    python: str
    packages: Mapping[str, str]
    load_average: tuple[float, float, float]
    """When the run began, of the last 1, 5 and 15 minutes."""


class Busyness(Record, frozen=True):
    """Shares of the machine's processors while one figure was measured, from 0 to 1."""

    others: float
    """Used by programs that this run did not start."""
    stolen: float
    """Taken by the hypervisor for other machines."""
    cpu_pressure: float
    """The share of the time in which something waited for a processor, this run's own processes included."""
    io_pressure: float

    @property
    def is_busy(self) -> bool:
        """Whether the figure is also about other programs."""
        return self.others + self.stolen > BUSY_SHARE

    def sentence(self) -> str:
        """Return why the machine is busy."""
        stolen = f", the hypervisor {self.stolen:.0%}" if self.stolen >= 0.01 else ""
        return f"other programs used {self.others:.0%} of the processors{stolen}"


IDLE = Busyness(others=0.0, stolen=0.0, cpu_pressure=0.0, io_pressure=0.0)
"""For what does not depend on time."""


def environment() -> Environment:
    """Return what this machine is."""
    return Environment(
        cpus=usable_cpus(),
        memory_mb=psutil.virtual_memory().total // 2**20,
        platform=platform.platform(terse=True),
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        load_average=os.getloadavg(),
    )


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Return the seconds of CPU time that these processes have used; one that has ended counts as nothing."""
    return sum(map(_cpu_s, processes))


def _cpu_s(process: psutil.Process) -> float:
    """On Linux, read the clock of the process, which is exact; psutil counts in ticks of 10 ms."""
    try:
        if psutil.LINUX:
            return time.clock_gettime_ns(~process.pid << 3 | _CPUCLOCK_SCHED) / 1e9
        times = process.cpu_times()
    except (OSError, psutil.NoSuchProcess):
        return 0.0
    return times.user + times.system


def _started_by_us() -> list[psutil.Process]:
    """Return this process and everything it started."""
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


class Watch:
    """What other programs do from now on. All processes of this run must live already, and go on living."""

    def __init__(self) -> None:
        self._ours = _started_by_us()
        self._began_s = time.monotonic()
        self._before = (psutil.cpu_times(), cpu_s(self._ours), waited_us())

    def busyness(self) -> Busyness:
        """Return what the machine did since the watch was made."""
        passed_s = max(time.monotonic() - self._began_s, 1e-9)
        total, ours_s, waited = self._before
        now = psutil.cpu_times()
        capacity_s = passed_s * (psutil.cpu_count() or 1)
        in_use_s = _used_s(now) - _used_s(total)
        stolen_s = getattr(now, "steal", 0.0) - getattr(total, "steal", 0.0)
        others_s = max(0.0, in_use_s - (cpu_s(self._ours) - ours_s))
        pressure = [
            (after - before) / 1e6 / passed_s for after, before in zip(waited_us(), waited, strict=True)
        ]
        shares = [others_s / capacity_s, stolen_s / capacity_s, *pressure]
        others, stolen, cpu, io = (round(min(1.0, share), 4) for share in shares)
        return Busyness(others, stolen, cpu, io)


def _used_s(times: object) -> float:
    """Return the CPU time that programs used on all processors, interrupts for them included."""
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
