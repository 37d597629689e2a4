"""Faults of MongoDB."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.faults.fault import Breakage, Fault, Observation
from harness.faults.injector import Injector


class MongodbFaults(Injector):
    """Faults of the store of record."""

    def mongodb_refused(self) -> AbstractContextManager[Fault]:
        """MongoDB's port is closed."""
        return self.through(Fault("mongodb", "refused"))

    def mongodb_black_holed(self) -> AbstractContextManager[Fault]:
        """MongoDB accepts connections, and never answers."""
        return self.through(Fault("mongodb", "black-holed"))

    def mongodb_slow(self, latency_ms: int = 300) -> AbstractContextManager[Fault]:
        """Every answer of MongoDB is delayed."""
        return self.through(Fault("mongodb", "slow", latency_ms))

    def mongodb_killed(self) -> AbstractContextManager[Fault]:
        """`kill -9` for mongod, which comes back with its journal. Raise UsageError if mongod is not ours."""
        mongod = self._services.own_mongod()
        probe = self._probe(fault := Fault("mongodb", "killed"))
        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(probe.look, "closed"),  # the proxy lives: it accepts and drops connections
                inject=mongod.kill,
                heal=mongod.start,
            )
        )
