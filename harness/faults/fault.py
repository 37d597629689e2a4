"""What a fault is: what is broken and how, how it is injected and healed, and what proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.history import Effects, named_effects
from harness.stack.probe import Sighting
from harness.stack.toxics import Proxy


@dataclass(frozen=True)
class Fault:
    """What is broken ('redis', 'mongodb', 'upstream NAME', 'server', 'client' or 'clock') and how.

    `latency_ms`, for slow stores: by how much every answer is delayed.
    """

    store: str
    kind: str
    latency_ms: int = 0

    @property
    def name(self) -> str:
        """Its name in the history and the reports: 'redis refused'."""
        return f"{self.store} {self.kind}"

    @property
    def effects(self) -> Effects:
        """What it does to the store. Raise KeyError for a fault that is not in the table of effects."""
        if not (effects := named_effects(self.name)):
            raise KeyError(self.name)
        return effects


@dataclass(frozen=True)
class Observation:
    """A look at what a fault affects, and the word that it must return."""

    look: Callable[[], Sighting]
    shows: str


@dataclass(frozen=True)
class Breakage:
    """One fault, ready to be injected.

    `health` must be seen before the fault and after its heal; `proof` when it is injected, and again every
    `watch_every_s` (None: the default) while it lasts. A proof may do the damage itself each time: so faults
    that the server repairs are kept up.
    """

    fault: Fault
    health: Observation
    proof: Observation
    inject: Callable[[], None]
    heal: Callable[[], None]
    watch_every_s: float | None = None
    needs_a_serving_server: bool = False
    """Whether `health` is the server's own: if it is not seen, that is judged as the server's failure."""


@dataclass(frozen=True)
class ProxyFault:
    """One way to break a store at its proxy, and what a probe sees then."""

    inject: Callable[[Proxy, Fault], None]
    probe_sees: str


def nothing() -> None:
    """Do nothing: for a fault whose proof does the damage, or that needs no healing."""


def swallow(proxy: Proxy) -> None:
    """Let no byte pass in either direction, and close nothing.

    With `downstream` alone commands would still be executed, and only their answers lost; with `upstream`
    alone an answer on its way would still arrive.
    """
    proxy.add_toxic("timeout", "upstream", timeout=0)
    proxy.add_toxic("timeout", "downstream", timeout=0)


def _refuse(proxy: Proxy, fault: Fault) -> None:
    """Close live connections, and refuse new ones."""
    proxy.disable()


def _swallow(proxy: Proxy, fault: Fault) -> None:
    swallow(proxy)


def _delay(proxy: Proxy, fault: Fault) -> None:
    """Delay answers; Toxiproxy delays each direction separately, so one is enough."""
    proxy.add_toxic("latency", "downstream", latency=fault.latency_ms)


PROXY_FAULTS: Mapping[str, ProxyFault] = {
    "refused": ProxyFault(_refuse, "refused"),
    "black-holed": ProxyFault(_swallow, "silent"),
    "slow": ProxyFault(_delay, "slow"),
}
