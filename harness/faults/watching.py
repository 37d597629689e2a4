"""Probes: look at what is broken once, until something is seen, or while a fault lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from harness.errors import DeadlineMissed
from harness.faults.fault import Fault, Observation
from harness.stack import wait_until
from harness.stack.probe import QUESTIONS, Address, Sighting
from harness.stack.toxics import Proxy

PROBE_TIMEOUT_S = 0.3


class RecordEvent(Protocol):
    """Writes one history event: `Recorder.record`, for instance."""

    def __call__(self, kind: str, **fields: Any) -> object:
        """Write an event of this kind with these fields, stamped now."""


class Look(Protocol):
    """Asks once and returns what it saw: `harness.stack.probe.look`."""

    def __call__(self, address: Address, question: bytes, *, timeout_s: float) -> Sighting:
        """Ask `question` at `address`; all of it takes `timeout_s` at most."""


class Probe:
    """Asks a store through its proxy, and returns what it saw in the words of the fault."""

    def __init__(self, proxy: Proxy, fault: Fault, look: Look) -> None:
        self.fault = fault
        self._proxy = proxy
        self._look = look
        self._timeout_s = PROBE_TIMEOUT_S + 3 * fault.latency_ms / 1000

    def look(self) -> Sighting:
        """Look once, over a new connection; an answer as late as the fault makes it counts as slow."""
        sighting = self.ask(QUESTIONS.get(self.fault.store) or self._proxy.question)
        if sighting.saw == "answered" and 0 < self.fault.latency_ms <= sighting.ms:
            return Sighting("slow", sighting.ms, sighting.answer)
        return sighting

    def ask(self, question: bytes) -> Sighting:
        """Ask another question over a new connection."""
        return self._look(self._proxy.listen, question, timeout_s=self._timeout_s)


def wait_to_see(observation: Observation, *, deadline_s: float, what: str) -> Sighting:
    """Look until the observation shows what it must. Raise DeadlineMissed with what was seen last."""
    last = Sighting("nothing", 0.0)

    def seen() -> Sighting | None:
        nonlocal last
        last = observation.look()
        return last if last.saw == observation.shows else None

    try:
        found = wait_until(seen, deadline_s=deadline_s, what=what)
    except DeadlineMissed as error:
        raise DeadlineMissed(f"{str(error).removesuffix('.')}; the probe saw {_shown(last)}.") from error
    assert found is not None
    return found


class Watcher:
    """Looks again and again, in a thread, while the fault lasts; ends with the context, before the heal."""

    def __init__(
        self, observation: Observation, record: Callable[[Sighting], object], interval_s: float
    ) -> None:
        self.surprises: list[Sighting] = []
        self._probe = observation
        self._record = record
        self._interval_s = interval_s
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="probe")

    def __enter__(self) -> None:
        self._watching = self._pool.submit(self._watch)

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._pool.shutdown()
        self._watching.result()  # an error in the thread is raised here

    def surprises_of(self, fault: Fault) -> list[str]:
        """Return a sentence for each unexpected sighting."""
        return [
            f"In the middle of the fault {fault.name!r} the probe saw {_shown(sighting)},"
            f" not {self._probe.shows}."
            for sighting in self.surprises
        ]

    def _watch(self) -> None:
        while not self._over.wait(self._interval_s):
            sighting = self._probe.look()
            self._record(sighting)
            if sighting.saw != self._probe.shows:
                self.surprises.append(sighting)


def _shown(sighting: Sighting) -> str:
    return f"{sighting.saw!r} after {sighting.ms:g} ms"
