"""What a fault is: what is broken and how, what is done for it, and by what it is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.history import EFFECTS, Effects
from harness.stack.probe import Sighting
from harness.stack.toxics import Proxy


@dataclass(frozen=True)
class Fault:
    """What is broken ('redis', 'mongodb', 'server', 'client' or 'clock') and how.

    `latency_ms`, for slow stores: how much later every answer comes.
    """

    store: str
    kind: str
    latency_ms: int = 0

    @property
    def name(self) -> str:
        """As the history and the reports call it: 'redis refused'."""
        return f"{self.store} {self.kind}"

    @property
    def effects(self) -> Effects:
        """What it does to the store. Raises KeyError for a fault of which that is not laid down."""
        return EFFECTS[self.name]


@dataclass(frozen=True)
class Observation:
    """A look at what a fault concerns, and the word that the look is to end with."""

    look: Callable[[], Sighting]
    shows: str


@dataclass(frozen=True)
class Breakage:
    """One fault, ready to be injected.

    `health` must be seen before it and after its heal; `proof` as soon as it is injected, and again every
    `watch_every_s` (None: as usual) while it lasts. A proof may also do the damage itself, each time anew:
    that is how faults are kept up which the server repairs.
    """

    fault: Fault
    health: Observation
    proof: Observation
    inject: Callable[[], None]
    heal: Callable[[], None]
    watch_every_s: float | None = None
    needs_a_serving_server: bool = False
    """Whether the server itself is to be healthy, before and after; if it is not, it is judged for it."""


@dataclass(frozen=True)
class ProxyFault:
    """One way to break a store at its proxy: what is done to it, and what a probe then sees."""

    inject: Callable[[Proxy, Fault], None]
    probe_sees: str


def nothing() -> None:
    """For a fault whose proof does the damage, or that needs no healing."""


def swallow(proxy: Proxy) -> None:
    """No byte passes, in either direction, and nothing is closed.

    With `downstream` alone commands would still be carried out, only their answers lost; with `upstream`
    alone an answer on its way would still arrive.
    """
    proxy.add_toxic("timeout", "upstream", timeout=0)
    proxy.add_toxic("timeout", "downstream", timeout=0)


def _refuse(proxy: Proxy, fault: Fault) -> None:
    """Live connections are closed, new ones refused."""
    proxy.disable()


def _swallow(proxy: Proxy, fault: Fault) -> None:
    swallow(proxy)


def _delay(proxy: Proxy, fault: Fault) -> None:
    """Answers are late; Toxiproxy delays each direction for itself, so one is enough."""
    proxy.add_toxic("latency", "downstream", latency=fault.latency_ms)


PROXY_FAULTS: Mapping[str, ProxyFault] = {
    "refused": ProxyFault(_refuse, "refused"),
    "black-holed": ProxyFault(_swallow, "silent"),
    "slow": ProxyFault(_delay, "slow"),
}
