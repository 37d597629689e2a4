"""Faults: injected through the proxies, proved to bite, healed in `finally`.

A fault counts only while a canary sees it. The canary is a bare connection through the same proxy as the
server's own: before the fault it is answered, during the fault it fails in the fault's own way, after the
heal it is answered again. Anything else makes the run inconclusive, and the server under test is not blamed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from harness.errors import DeadlineMissed, InfrastructureError, UsageError
from harness.stack import Services, wait_until
from harness.stack.canary import QUESTIONS, Address, Sighting, look
from harness.toxics import Proxy

CANARY_TIMEOUT_S = 0.3
CANARY_INTERVAL_S = 0.5
BITES_WITHIN_S = 2.0
HEALS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Fault:
    """What is broken: the store ('redis' or 'mongodb') and how (a key of KINDS).

    `latency_ms`, for slow stores: how much later every answer comes.
    """

    store: str
    kind: str
    latency_ms: int = 0

    @property
    def name(self) -> str:
        """As the history and the reports call it: 'redis refused'."""
        return f"{self.store} {self.kind}"


@dataclass(frozen=True)
class Kind:
    """One way to break a store: what is done to its proxy, and what a canary then sees."""

    inject: Callable[[Proxy, Fault], None]
    canary_sees: str


def _refuse(proxy: Proxy, fault: Fault) -> None:
    """Live connections are closed, new ones refused."""
    proxy.disable()


def _swallow(proxy: Proxy, fault: Fault) -> None:
    """No byte passes, in either direction, and nothing is closed.

    With `downstream` alone commands would still be carried out, only their answers lost; with `upstream`
    alone an answer on its way would still arrive.
    """
    proxy.add_toxic("timeout", "upstream", timeout=0)
    proxy.add_toxic("timeout", "downstream", timeout=0)


def _delay(proxy: Proxy, fault: Fault) -> None:
    """Answers are late; Toxiproxy delays each direction for itself, so one is enough."""
    proxy.add_toxic("latency", "downstream", latency=fault.latency_ms)


KINDS: Mapping[str, Kind] = {
    "refused": Kind(_refuse, "refused"),
    "black-holed": Kind(_swallow, "silent"),
    "slow": Kind(_delay, "slow"),
}


class Record(Protocol):
    """Writes one history event: `Recorder.record`, for instance."""

    def __call__(self, kind: str, **fields: Any) -> object:
        """Write an event of this kind with these fields, stamped now."""


class Look(Protocol):
    """Asks once and says what it saw: `harness.stack.canary.look`."""

    def __call__(self, address: Address, question: bytes, *, timeout_s: float) -> Sighting:
        """Ask `question` at `address`; `timeout_s` bounds it all."""


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
        canary_interval_s: float = CANARY_INTERVAL_S,
    ) -> None:
        self._services = services
        self._record = record
        self._look = look
        self._canary_interval_s = canary_interval_s
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
        canary.wait_to_see(
            "answered", deadline_s=BITES_WITHIN_S, what=f"{fault.store} to answer before the fault"
        )
        watcher = _Watcher(canary, kind.canary_sees, self._record, self._canary_interval_s)
        self._broken.add(fault.store)
        self._phase(fault, "inject")
        try:
            kind.inject(proxy, fault)
            self._phase(fault, "bites", _wait_for_bite(canary, kind))
            with watcher:
                yield fault
        except BaseException as error:
            for surprise in watcher.surprises:
                error.add_note(surprise)
            raise
        finally:
            self._broken.discard(fault.store)
            self._phase(fault, "heal")
            proxy.heal()
            sighting = canary.wait_to_see(
                "answered", deadline_s=HEALS_WITHIN_S, what=f"{fault.store} to answer after {fault.name!r}"
            )
            self._phase(fault, "healed", sighting)
        if watcher.surprises:
            raise InfrastructureError(watcher.surprises[0])

    def _phase(self, fault: Fault, phase: str, sighting: Sighting | None = None) -> None:
        seen = {"canary": sighting.saw, "ms": sighting.ms} if sighting else {}
        self._record("fault", name=fault.name, store=fault.store, phase=phase, **seen)


class Canary:
    """Asks a store through its proxy and says what it saw, in the words of the fault it watches."""

    def __init__(self, proxy: Proxy, fault: Fault, look: Look) -> None:
        self.fault = fault
        self._proxy = proxy
        self._look = look
        self._timeout_s = CANARY_TIMEOUT_S + 3 * fault.latency_ms / 1000

    def look(self) -> Sighting:
        """One look, over a connection of its own; an answer as late as the fault makes it counts as slow."""
        sighting = self._look(self._proxy.listen, QUESTIONS[self.fault.store], timeout_s=self._timeout_s)
        if sighting.saw == "answered" and 0 < self.fault.latency_ms <= sighting.ms:
            return Sighting("slow", sighting.ms, sighting.answer)
        return sighting

    def wait_to_see(self, saw: str, *, deadline_s: float, what: str) -> Sighting:
        """Look until it sees this. Raises DeadlineMissed, with what it saw last."""
        last = Sighting("nothing", 0.0)

        def seen() -> Sighting | None:
            nonlocal last
            last = self.look()
            return last if last.saw == saw else None

        try:
            found = wait_until(seen, deadline_s=deadline_s, what=what)
        except DeadlineMissed as error:
            raise DeadlineMissed(f"{str(error).removesuffix('.')}; the canary saw {_shown(last)}.") from error
        assert found is not None
        return found


def _wait_for_bite(canary: Canary, kind: Kind) -> Sighting:
    try:
        return canary.wait_to_see(kind.canary_sees, deadline_s=BITES_WITHIN_S, what="it")
    except DeadlineMissed as error:
        said = str(error).partition("; ")[2]
        raise InfrastructureError(
            f"The fault {canary.fault.name!r} did not bite: {said.removesuffix('.')}, not {kind.canary_sees},"
            f" for {BITES_WITHIN_S:g} s."
        ) from error


class _Watcher:
    """Looks again and again while the fault lasts, in a thread; ends with the context, before the heal."""

    def __init__(self, canary: Canary, expected: str, record: Record, interval_s: float) -> None:
        self.surprises: list[str] = []
        self._canary = canary
        self._expected = expected
        self._record = record
        self._interval_s = interval_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"canary {canary.fault.name}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        fault = self._canary.fault
        while not self._over.wait(self._interval_s):
            sighting = self._canary.look()
            self._record("canary", name=fault.name, store=fault.store, saw=sighting.saw, ms=sighting.ms)
            if sighting.saw != self._expected:
                self.surprises.append(
                    f"In the middle of the fault {fault.name!r} the canary saw {_shown(sighting)},"
                    f" not {self._expected}."
                )


def _shown(sighting: Sighting) -> str:
    return f"{sighting.saw!r} after {sighting.ms:g} ms"
