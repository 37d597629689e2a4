"""Watches the machine the harness runs on: a server that gets no processor looks like one that is broken.

So does one whose store waits for the disk. On Linux the kernel itself says for how much of the time something
had to wait for a processor, or for the disk (/proc/pressure, "some"). Elsewhere, and when the whole machine
stops, only the watch's own lateness shows it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.history import NS_PER_S, WATCH_PERIOD_S

STARVED_SHARE = 0.8
"""Three rows side by side on two cores stay below 0.65; four endless loops beside them reach 1."""
LATE_S = 0.25
PRESSURE = Path("/proc/pressure")
RESOURCES = ("cpu", "io")


def waited_us(pressure: Path = PRESSURE) -> list[int]:
    """Return for how many microseconds since the boot some process waited for a processor, and for the disk.

    0 where the kernel does not say.
    """
    return [_total(pressure / resource) for resource in RESOURCES]


def _total(file: Path) -> int:
    try:
        return int(file.read_text(encoding="utf-8").splitlines()[0].rpartition("total=")[2])
    except (OSError, IndexError, ValueError):
        return 0


class MachineWatch:
    """A context in which each period of pressure is recorded as an event `pressure`.

    If one could not be recorded, the context ends with that error: a verdict needs every one of them.
    """

    def __init__(
        self, record: Callable[..., Any], waited_us: Callable[[], Sequence[int]] = waited_us
    ) -> None:
        self._record = record
        self._waited_us = waited_us
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._keep_watching, name="machine-watch", daemon=True)

    def __enter__(self) -> MachineWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _keep_watching(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001  raised when the context ends
            self._failure = error

    def _watch(self) -> None:
        since_ns, before_us = time.monotonic_ns(), self._waited_us()
        while not self._over.wait(WATCH_PERIOD_S):
            now_ns, now_us = time.monotonic_ns(), self._waited_us()
            passed_s = (now_ns - since_ns) / NS_PER_S
            waited_s = max(now - before for now, before in zip(now_us, before_us, strict=True)) / 1e6
            waiting, late_s = waited_s / passed_s, passed_s - WATCH_PERIOD_S
            if waiting >= STARVED_SHARE or late_s >= LATE_S:
                self._record("pressure", since=since_ns, waiting=round(waiting, 3), late_s=round(late_s, 3))
            since_ns, before_us = now_ns, now_us
