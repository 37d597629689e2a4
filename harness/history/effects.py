"""What a fault does to its target: with this, and not with its name, the checkers judge.

The injector writes the effects into the history. Those of a history from before it did are known by the names
that faults had then.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

Effects = frozenset["Effect"]


class Effect(StrEnum):
    """One thing that a fault does; a fault may do several."""

    ALL = "all"
    """Nothing of the target can be used, from the first time that it was seen to the heal."""
    WRITES = "writes"
    """It can be read, and no write is accepted."""
    SOME = "some"
    """It may still be used, by some, or now and then, or slowly."""
    DATA = "data"
    """It holds less than it did."""
    WORKERS = "workers"
    """Processes of the server are gone, and it replaces them."""
    STOP = "stop"
    """The server was told to stop, and finishes what it has accepted."""
    NONE = "none"
    """Nothing that a client should notice: every promise holds (contract: Under faults)."""


EFFECTS: dict[str, Effects] = {
    "redis refused": frozenset({Effect.ALL}),
    "redis black-holed": frozenset({Effect.ALL}),
    "redis slow": frozenset({Effect.SOME}),
    "redis flapping": frozenset({Effect.SOME}),
    "redis killed": frozenset({Effect.ALL, Effect.DATA}),
    "redis emptied": frozenset({Effect.DATA}),
    "redis restored": frozenset({Effect.DATA}),
    "redis read-only": frozenset({Effect.WRITES}),
    "redis out of memory": frozenset({Effect.WRITES}),
    "redis failed over": frozenset({Effect.SOME}),
    "redis denying": frozenset({Effect.SOME}),
    "redis wrong type": frozenset({Effect.SOME}),
    "redis not JSON": frozenset({Effect.SOME}),
    "mongodb refused": frozenset({Effect.ALL}),
    "mongodb black-holed": frozenset({Effect.ALL}),
    "mongodb slow": frozenset({Effect.SOME}),
    "mongodb killed": frozenset({Effect.ALL}),
    "server worker killed": frozenset({Effect.WORKERS}),
    "server workers killed": frozenset({Effect.WORKERS}),
    "server workers killed in mid-push": frozenset({Effect.WORKERS}),
    "server killed": frozenset({Effect.ALL}),
    "server stopped": frozenset({Effect.STOP}),
    "client refused": frozenset({Effect.ALL}),
    "clock off": frozenset({Effect.NONE}),
    "clock stepping": frozenset({Effect.NONE}),
    "clock stopped": frozenset({Effect.NONE}),
    "signal hang-up": frozenset({Effect.NONE}),
}
"""The effects of every fault that can be injected, by its name."""
TARGETS = frozenset(name.partition(" ")[0] for name in EFFECTS)
"""What can be broken."""
HARMLESS_TARGETS = frozenset(
    name.partition(" ")[0] for name, effects in EFFECTS.items() if effects == {Effect.NONE}
)
"""What may be broken without any client noticing it."""


def effects_of(name: str, written: Iterable[str] | None) -> Effects:
    """Return the effects that a history has written down, or that the name stands for; empty if unknown."""
    if written is None:
        return EFFECTS.get(name, frozenset())
    known = {effect.value for effect in Effect}
    given = set(written)
    return frozenset(map(Effect, given)) if given <= known else frozenset()
