"""What can be broken, how, and what a canary then sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.toxics import Proxy


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
