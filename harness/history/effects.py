"""What a fault does to its target: checkers judge by this, and not by the fault's name.

The injector writes the effects into the history. Older histories lack them; there the fault's name is looked
up.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

Effects = frozenset["Effect"]


class Effect(StrEnum):
    """One thing that a fault does; a fault may do several."""

    ALL = "all"
    """The target cannot be used at all, from when this was first seen to the heal."""
    WRITES = "writes"
    """It serves reads and refuses writes."""
    SOME = "some"
    """It can still be used by some clients, or sometimes, or slowly."""
    DATA = "data"
    """It lost data."""
    WORKERS = "workers"
    """Processes of the server ended, and the server replaces them."""
    STOP = "stop"
    """The server was sent SIGTERM, and finishes what it has accepted."""
    NONE = "none"
    """No client may notice anything: every promise holds (contract: Under faults)."""


EFFECTS: dict[str, Effects] = {
    "redis refused": frozenset({Effect.ALL}),
    "redis black-holed": frozenset({Effect.ALL}),
    "redis slow": frozenset({Effect.SOME}),
    "redis flapping": frozenset({Effect.SOME}),
    "redis cut": frozenset({Effect.SOME}),
    "redis killed": frozenset({Effect.ALL, Effect.DATA}),
    "redis emptied": frozenset({Effect.DATA}),
    "redis restored": frozenset({Effect.DATA}),
    "redis read-only": frozenset({Effect.WRITES}),
    "redis out of memory": frozenset({Effect.WRITES}),
    "redis failed over": frozenset({Effect.SOME}),
    "redis primary killed": frozenset({Effect.SOME}),
    "redis primary cut off": frozenset({Effect.SOME}),
    "redis promoted by hand": frozenset({Effect.SOME}),
    "redis shard lost": frozenset({Effect.SOME}),
    "redis slots moving": frozenset({Effect.SOME}),
    "redis denying": frozenset({Effect.SOME}),
    "redis wrong type": frozenset({Effect.SOME}),
    "redis not JSON": frozenset({Effect.SOME}),
    "redis dump cut short": frozenset({Effect.ALL, Effect.DATA}),
    "redis dump flipped": frozenset({Effect.ALL, Effect.DATA}),
    "redis altered": frozenset({Effect.DATA}),
    "redis disk full": frozenset({Effect.WRITES, Effect.DATA}),
    "redis expired": frozenset({Effect.DATA}),
    "mongodb refused": frozenset({Effect.ALL}),
    "mongodb black-holed": frozenset({Effect.ALL}),
    "mongodb slow": frozenset({Effect.SOME}),
    "mongodb killed": frozenset({Effect.ALL}),
    "mongodb primary killed": frozenset({Effect.SOME}),
    "mongodb stepped down": frozenset({Effect.SOME}),
    "mongodb primary cut off": frozenset({Effect.SOME}),
    "mongodb primary cut off with its clients": frozenset({Effect.SOME}),
    "mongodb divided": frozenset({Effect.SOME}),
    "mongodb majority lost": frozenset({Effect.ALL}),
    "mongodb restarted": frozenset({Effect.ALL}),
    "mongodb power cut": frozenset({Effect.ALL}),
    "mongodb disk full": frozenset({Effect.ALL}),
    "server worker killed": frozenset({Effect.WORKERS}),
    "server workers killed": frozenset({Effect.WORKERS}),
    "server workers killed in mid-push": frozenset({Effect.WORKERS}),
    "server killed": frozenset({Effect.ALL}),
    "server stopped": frozenset({Effect.STOP}),
    "client refused": frozenset({Effect.ALL}),
    "upstream refused": frozenset({Effect.ALL}),
    "upstream black-holed": frozenset({Effect.ALL}),
    "upstream slow": frozenset({Effect.SOME}),
    "upstream flapping": frozenset({Effect.SOME}),
    "member paused": frozenset({Effect.NONE}),
    "replica cut off": frozenset({Effect.NONE}),
    "replica behind": frozenset({Effect.NONE}),
    "clock off": frozenset({Effect.NONE}),
    "clock stepping": frozenset({Effect.NONE}),
    "clock stopped": frozenset({Effect.NONE}),
    "clock of MongoDB ahead": frozenset({Effect.NONE}),
    "signal hang-up": frozenset({Effect.NONE}),
}
"""The effects of every fault that can be injected, by the fault's name; see `named_effects` for upstreams."""
UPSTREAM = "upstream"
"""A store that only the target's profile knows is called this and its name, such as 'upstream postgres'."""
TARGETS = frozenset(name.partition(" ")[0] for name in EFFECTS)
"""What can be broken."""
HARMLESS_TARGETS = frozenset(
    name.partition(" ")[0] for name, effects in EFFECTS.items() if effects == {Effect.NONE}
)
"""What can be broken without any client noticing it."""


def named_effects(name: str) -> Effects:
    """Return the effects of a fault by its name, of 'upstream postgres slow' as well; empty if unknown."""
    store, _, kind = name.partition(" ")
    return EFFECTS.get(f"{store} {kind.partition(' ')[2]}" if store == UPSTREAM else name, frozenset())


def effects_of(name: str, written: Iterable[str] | None) -> Effects:
    """Return the effects that a history states, or else those of the fault's name; empty if unknown."""
    if written is None:
        return named_effects(name)
    known = {effect.value for effect in Effect}
    given = set(written)
    return frozenset(map(Effect, given)) if given <= known else frozenset()
