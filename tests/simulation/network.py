"""The way to a store: each call is two steps, its effect and its answer, and either can be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.hub import GO, Hub

REFUSED = "is refused"
"""It has no effect, and fails."""
ANSWER_LOST = "loses its answer"
"""It has its effect, and fails."""
LATE = "takes effect late"
"""It fails, and has its effect later."""


@dataclass(frozen=True)
class Errors:
    """What the driver of a store raises."""

    refused: Callable[[], Exception]
    silent: Callable[[], Exception]


class Network:
    """The way to one store. A call may fail in the ways of `faults`; all of them do while it `is_down`."""

    def __init__(self, hub: Hub, store: str, errors: Errors, faults: tuple[str, ...]) -> None:
        self._hub = hub
        self._store = store
        self._errors = errors
        self._faults = faults
        self.is_down = False

    def call(self, what: str, effect: Callable[[], Any], *, writes: bool = True) -> Any:
        """Return the store's answer. Raise what its driver raises."""
        hub, actor = self._hub, self._hub.actor
        name = f"{self._store} {what}"
        how = actor.pause((GO, *(fault for fault in self._faults if writes or fault == REFUSED)))
        if self.is_down or how == REFUSED:
            return self._fail(name, "connection refused", self._errors.refused())
        if how == LATE:
            late = hub.spawn(f"late {what} of {actor.name}", lambda: hub.note(name, self._outcome(effect)[0]))
            late.log = actor.log
            return self._fail(name, "timed out", self._errors.silent())
        answer, error = self._outcome(effect)
        hub.note(name, answer)
        actor.expect((name, answer))
        actor.pause()
        actor.learn("answered")
        if how == ANSWER_LOST:
            return self._fail(name, "the answer is lost", self._errors.silent())
        if error is not None:
            raise error
        return answer

    def _fail(self, name: str, why: str, error: Exception) -> None:
        self._hub.actor.failures += 1
        self._hub.note(name, f"✗ {why}")
        self._hub.actor.learn((name, why))
        raise error

    def switch(self) -> None:
        """Let every call be refused from now on, or none any more."""
        self.is_down = not self.is_down

    def end_faults(self) -> None:
        """Let every call succeed from now on."""
        self._faults, self.is_down = (), False

    @staticmethod
    def _outcome(effect: Callable[[], Any]) -> tuple[Any, Exception | None]:
        try:
            return effect(), None
        except Exception as error:  # noqa: BLE001 - the store's own answer, whatever it is
            return error, error
