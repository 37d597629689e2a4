"""Breaking a store for as long as a context lasts, with the proof of it in the history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from harness.errors import DeadlineMissed, InfrastructureError, UsageError
from harness.faults.canary import Canary, Look, Record, Watcher
from harness.faults.kinds import KINDS, Fault, Kind
from harness.stack import Services
from harness.stack.canary import Sighting, look
from harness.toxics import Proxy


@dataclass(frozen=True)
class Timing:
    """How patient the injector is, in seconds."""

    bites_within_s: float = 2.0
    heals_within_s: float = 5.0
    canary_interval_s: float = 0.5


class FaultInjector:
    """Breaks the stores of `services` and writes what happens when through `record`.

    Events: `fault` with `name`, `store`, `phase` (inject, bites, heal, healed) and, once a canary proved it,
    `canary` and `ms`; `canary` with `name`, `store`, `saw` (refused, silent, closed, slow, answered) and
    `ms`, about every half second while a fault lasts.
    """

    def __init__(
        self,
        services: Services,
        record: Record,
        *,
        look: Look = look,
        timing: Timing = Timing(),
    ) -> None:
        self._services = services
        self._record = record
        self._look = look
        self._timing = timing
        self._broken: set[str] = set()

    def redis_refused(self) -> AbstractContextManager[Fault]:
        """Redis's port is closed."""
        return self.through(Fault("redis", "refused"))

    def redis_black_holed(self) -> AbstractContextManager[Fault]:
        """Redis can be connected to, and never says anything."""
        return self.through(Fault("redis", "black-holed"))

    def redis_slow(self, latency_ms: int = 300) -> AbstractContextManager[Fault]:
        """Every answer of Redis comes this much later."""
        return self.through(Fault("redis", "slow", latency_ms))

    def mongodb_refused(self) -> AbstractContextManager[Fault]:
        """MongoDB's port is closed."""
        return self.through(Fault("mongodb", "refused"))

    def mongodb_black_holed(self) -> AbstractContextManager[Fault]:
        """MongoDB can be connected to, and never says anything."""
        return self.through(Fault("mongodb", "black-holed"))

    def mongodb_slow(self, latency_ms: int = 300) -> AbstractContextManager[Fault]:
        """Every answer of MongoDB comes this much later."""
        return self.through(Fault("mongodb", "slow", latency_ms))

    @contextmanager
    def through(self, fault: Fault) -> Iterator[Fault]:
        """The fault lasts while the context does; faults of different stores may overlap.

        Raises InfrastructureError when the canary does not see the fault within 2 s, sees the store answer in
        the middle of it, or does not see it answer within 5 s of the heal.
        """
        if fault.store in self._broken:
            raise UsageError(f"{fault.store} is already broken: one fault a store at a time.")
        kind, proxy = KINDS[fault.kind], self._services.proxies[fault.store]
        canary = Canary(proxy, fault, self._look)
        before = f"{fault.store} to answer before the fault"
        canary.wait_to_see("answered", deadline_s=self._timing.bites_within_s, what=before)
        watcher = Watcher(canary, kind.canary_sees, self._record, self._timing.canary_interval_s)
        self._broken.add(fault.store)
        self._phase(fault, "inject")
        try:
            kind.inject(proxy, fault)
            self._phase(fault, "bites", _wait_for_bite(canary, kind, self._timing.bites_within_s))
            with watcher:
                yield fault
        except BaseException as error:
            for surprise in watcher.surprises:
                error.add_note(surprise)
            raise
        finally:
            self._broken.discard(fault.store)
            self._heal(fault, proxy, canary)
        if watcher.surprises:
            raise InfrastructureError(watcher.surprises[0])

    def _heal(self, fault: Fault, proxy: Proxy, canary: Canary) -> None:
        self._phase(fault, "heal")
        proxy.heal()
        after = f"{fault.store} to answer after {fault.name!r}"
        sighting = canary.wait_to_see("answered", deadline_s=self._timing.heals_within_s, what=after)
        self._phase(fault, "healed", sighting)

    def _phase(self, fault: Fault, phase: str, sighting: Sighting | None = None) -> None:
        seen = {"canary": sighting.saw, "ms": sighting.ms} if sighting else {}
        self._record("fault", name=fault.name, store=fault.store, phase=phase, **seen)


def _wait_for_bite(canary: Canary, kind: Kind, deadline_s: float) -> Sighting:
    try:
        return canary.wait_to_see(kind.canary_sees, deadline_s=deadline_s, what="it")
    except DeadlineMissed as error:
        said = str(error).partition("; ")[2]
        raise InfrastructureError(
            f"The fault {canary.fault.name!r} did not bite: {said.removesuffix('.')}, not {kind.canary_sees},"
            f" for {deadline_s:g} s."
        ) from error
