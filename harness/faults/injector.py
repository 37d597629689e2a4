"""Injecting a fault, proving that it takes effect, watching it, healing it, and recording each step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from harness.errors import DeadlineMissed, InfrastructureError, NotServed, UsageError
from harness.faults.fault import PROXY_FAULTS, Breakage, Fault, Observation, nothing
from harness.faults.watching import Look, Probe, RecordEvent, Watcher, wait_to_see
from harness.history import UPSTREAM
from harness.stack import Services
from harness.stack.probe import Sighting, look
from harness.stack.stores import OURS
from harness.targets.instances import Instances

DOWN_S = 0.3
"""How long a flapping store is away each time, and about how long it is available in between."""


@dataclass(frozen=True)
class Timing:
    """The time limits of the injector, in seconds."""

    active_within_s: float = 2.0
    heals_within_s: float = 5.0
    probe_interval_s: float = 0.5


class Injector:
    """Breaks the stores of `services` and the server's `instances`; writes events through `record`.

    Events: `fault` with `name`, `store`, `effects`, `phase` (inject, active, heal, healed) and, once a probe
    has proven the phase, `probe` and `ms`; `probe` with `name`, `store`, `saw` (refused, silent, closed,
    slow, answered, or what the fault's own proof shows) and `ms`, about every half second while a fault
    lasts.
    """

    def __init__(
        self,
        services: Services,
        record: RecordEvent,
        instances: Instances | None = None,
        *,
        look: Look = look,
        timing: Timing = Timing(),
    ) -> None:
        self._services = services
        self._record = record
        self._given_instances = instances
        self._look = look
        self._timing = timing
        self._broken: set[str] = set()
        self.before_the_first: Callable[[], object] = nothing
        """Called before the first fault, when every store answers; what it raises keeps the fault away."""
        self._is_first = True
        if instances is not None:
            instances.is_broken = lambda: bool(self._broken)

    @property
    def _instances(self) -> Instances:
        if self._given_instances is None:
            raise UsageError("There is no server to break: the injector was made without its instances.")
        return self._given_instances

    def through(self, fault: Fault) -> AbstractContextManager[Fault]:
        """Inject a fault at a store's proxy: a key of PROXY_FAULTS. See `lasting`."""
        kind, proxy = PROXY_FAULTS[fault.kind], self._services.proxies[fault.store]
        probe = self._probe(fault)
        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(probe.look, kind.probe_sees),
                inject=lambda: kind.inject(proxy, fault),
                heal=proxy.heal,
            )
        )

    def flapping(self, fault: Fault) -> AbstractContextManager[Fault]:
        """Make a store available for a moment and away for a moment, again and again."""
        proxy, probe = self._services.proxies[fault.store], self._probe(fault)

        def flap() -> Sighting:
            proxy.disable()
            down = probe.look()
            time.sleep(DOWN_S)  # the fault's own rhythm
            proxy.enable()
            back = probe.look()
            flapped = (down.saw, back.saw) == ("refused", "answered")
            return Sighting("flapped" if flapped else f"{down.saw}, then {back.saw}", back.ms)

        health, proof = Observation(probe.look, "answered"), Observation(flap, "flapped")
        return self.lasting(Breakage(fault, health, proof, nothing, proxy.heal, watch_every_s=DOWN_S))

    @contextmanager
    def lasting(self, breakage: Breakage) -> Iterator[Fault]:
        """Keep a fault active while the context lasts; faults of different stores may overlap.

        Before the first fault every store must answer, and `before_the_first` is called.

        Raise InfrastructureError if the fault is not seen within 2 s, is not seen at some time later, or is
        still seen 5 s after the heal; NotServed if instead the server itself is not healthy before or after.
        """
        fault = breakage.fault
        if fault.store in self._broken:
            raise UsageError(f"{fault.store} is already broken: a store can have one fault at a time.")
        if self._is_first:
            self._see_every_store_but(fault.store)
            self.before_the_first()
            self._is_first = False
        before = f"{fault.store} to answer before the fault"
        self._see_health(breakage, self._timing.active_within_s, before)
        interval_s = breakage.watch_every_s or self._timing.probe_interval_s
        watcher = Watcher(breakage.proof, lambda sighting: self._saw(fault, sighting), interval_s)
        self._broken.add(fault.store)
        self._phase(fault, "inject")
        try:
            breakage.inject()
            self._phase(fault, "active", _wait_until_active(breakage, self._timing.active_within_s))
            with watcher:
                yield fault
        except BaseException as error:
            for surprise in watcher.surprises_of(fault):
                error.add_note(surprise)
            raise
        finally:
            self._broken.discard(fault.store)
            self._heal(breakage)
        if surprises := watcher.surprises_of(fault):
            raise InfrastructureError(surprises[0])

    def _see_every_store_but(self, its: str) -> None:
        """Look at the stores of the profile, not at members of a cluster, which speak in other ways."""
        for store in sorted(self._services.proxies.keys() - {its}):
            if store not in OURS and not store.startswith(UPSTREAM):
                continue
            answers = Observation(self._probe(Fault(store, "refused")).look, "answered")
            what = f"{store} to answer before the first fault"
            wait_to_see(answers, deadline_s=self._timing.active_within_s, what=what)

    def _probe(self, fault: Fault) -> Probe:
        return Probe(self._services.proxies[fault.store], fault, self._look)

    def _heal(self, breakage: Breakage) -> None:
        fault = breakage.fault
        self._phase(fault, "heal")
        breakage.heal()
        after = f"{fault.store} to answer after {fault.name!r}"
        self._phase(fault, "healed", self._see_health(breakage, self._timing.heals_within_s, after))

    def _see_health(self, breakage: Breakage, deadline_s: float, what: str) -> Sighting:
        since_ns = time.monotonic_ns()
        try:
            return wait_to_see(breakage.health, deadline_s=deadline_s, what=what)
        except DeadlineMissed as error:
            if not breakage.needs_a_serving_server:
                raise
            self._record_gave_up("serving", str(error), since_ns)
            raise NotServed(str(error)) from error

    def _record_gave_up(self, of: str, what: str, since_ns: int) -> None:
        self._record("gave_up", of=of, what=what, since=since_ns)

    def _phase(self, fault: Fault, phase: str, sighting: Sighting | None = None) -> None:
        seen = {"probe": sighting.saw, "ms": sighting.ms} if sighting else {}
        effects = sorted(fault.effects)
        self._record("fault", name=fault.name, store=fault.store, effects=effects, phase=phase, **seen)

    def _saw(self, fault: Fault, sighting: Sighting) -> None:
        self._record("probe", name=fault.name, store=fault.store, saw=sighting.saw, ms=sighting.ms)


def _wait_until_active(breakage: Breakage, deadline_s: float) -> Sighting:
    try:
        return wait_to_see(breakage.proof, deadline_s=deadline_s, what="it")
    except DeadlineMissed as error:
        seen = str(error).partition("; ")[2]
        raise InfrastructureError(
            f"The fault {breakage.fault.name!r} did not take effect: {seen.removesuffix('.')},"
            f" not {breakage.proof.shows}, for {deadline_s:g} s."
        ) from error
