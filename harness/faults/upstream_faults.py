"""Faults of any TCP server that the profile names as a store."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.faults.fault import Fault
from harness.faults.injector import Injector
from harness.history import UPSTREAM


class UpstreamFaults(Injector):
    """Faults of the network to a named store; nothing in the store itself is broken."""

    def upstream_refused(self, name: str) -> AbstractContextManager[Fault]:
        """The store's port is closed."""
        return self.through(Fault(f"{UPSTREAM} {name}", "refused"))

    def upstream_black_holed(self, name: str) -> AbstractContextManager[Fault]:
        """The store accepts connections, and never answers."""
        return self.through(Fault(f"{UPSTREAM} {name}", "black-holed"))

    def upstream_slow(self, name: str, latency_ms: int = 300) -> AbstractContextManager[Fault]:
        """Every answer of the store is delayed."""
        return self.through(Fault(f"{UPSTREAM} {name}", "slow", latency_ms))

    def upstream_flapping(self, name: str) -> AbstractContextManager[Fault]:
        """The store is available for a moment and away for a moment, again and again."""
        return self.flapping(Fault(f"{UPSTREAM} {name}", "flapping"))
