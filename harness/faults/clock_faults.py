"""Faults of the clocks of several instances, under which all guarantees hold (contract: Under faults)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from harness.faults.fault import Breakage, Fault, Observation, nothing
from harness.faults.injector import Injector
from harness.stack.probe import Sighting

TOLERANCE_S = 5.0
"""Between an answer's timestamp and what the clock was set to: answers are slow, clocks set to seconds."""
STEP_EVERY_S = 0.5


class ClockFaults(Injector):
    """Faults of the clocks of instances started by `Instances.start_with_clock`.

    They are proven by the `timestamp` in an answer of each instance.
    """

    def clocks_off(self, offsets_s: Sequence[int]) -> AbstractContextManager[Fault]:
        """Each instance's clock is off by its offset; at the end all step to the right time."""
        return self._clocks("off", lambda: self._all_off(offsets_s), lambda: self._set_all(offsets_s))

    def clocks_stepping(self, offsets_s: Sequence[int]) -> AbstractContextManager[Fault]:
        """The first instance's clock jumps from one of these offsets to the next, twice a second."""
        offsets = itertools.cycle(offsets_s)

        def step() -> bool:
            self._instances.clocks[0].set(offset_s := next(offsets))
            return self._all_off([offset_s])

        return self._clocks("stepping", step, nothing, every_s=STEP_EVERY_S)

    def clocks_stopped(self) -> AbstractContextManager[Fault]:
        """All instances' clocks stand still at one instant."""
        at = datetime.now(UTC).replace(microsecond=0)

        def stop() -> None:
            for clock in self._instances.clocks:
                clock.stop(at)

        def all_stand() -> bool:
            times = [
                self._instances.time_told_by(instance) for instance in range(len(self._instances.clocks))
            ]
            return set(times) == {at.timestamp()}

        return self._clocks("stopped", all_stand, stop)

    def _clocks(
        self,
        kind: str,
        holds: Callable[[], bool],
        inject: Callable[[], None],
        *,
        every_s: float | None = None,
    ) -> AbstractContextManager[Fault]:
        right = [0] * len(self._instances.clocks)
        return self.lasting(
            Breakage(
                Fault("clock", kind),
                health=_probe(lambda: self._all_off(right), "right"),
                proof=_probe(holds, kind),
                inject=inject,
                heal=lambda: self._set_all(right),
                watch_every_s=every_s,
            )
        )

    def _set_all(self, offsets_s: Sequence[int]) -> None:
        for clock, offset_s in zip(self._instances.clocks, offsets_s, strict=True):
            clock.set(offset_s)

    def _all_off(self, offsets_s: Sequence[int]) -> bool:
        return all(
            abs(self._instances.skew_s(instance) - offset_s) < TOLERANCE_S
            for instance, offset_s in enumerate(offsets_s)
        )


def _probe(holds: Callable[[], bool], word: str) -> Observation:
    return Observation(lambda: Sighting(word if holds() else f"not {word}", 0.0), word)
