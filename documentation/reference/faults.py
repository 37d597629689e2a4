"""The faults that can be injected: what is done, from the methods that do it, and what that does to the target."""

from __future__ import annotations

import inspect
import re

from documentation.markdown import code, sentence, table
from harness.chaos.catalog import CATALOG, ON_REQUEST
from harness.faults import FaultInjector
from harness.history.effects import EFFECTS, TARGETS, UPSTREAM, Effect

OTHERWISE = {
    "server worker killed": "worker_killed",
    "server workers killed": "workers_killed",
    "server workers killed in mid-push": "workers_killed_in_mid_push",
    "signal hang-up": "hang_up",
    "clock off": "clocks_off",
    "clock stepping": "clocks_stepping",
    "clock stopped": "clocks_stopped",
    "clock of MongoDB ahead": "mongodb_clock_ahead",
    "client refused": "client_cut",
    "redis emptied": "redis_restarted",
    "redis restored": "redis_restarted",
    "redis promoted by hand": "redis_promoted",
    "redis dump cut short": "redis_dump_damaged",
    "redis dump flipped": "redis_dump_damaged",
    "replica cut off": "redis_replicas_cut_off",
    "replica behind": "redis_replica_behind",
    "mongodb primary cut off with its clients": "mongodb_primary_cut_off",
}
"""The method of each fault that is not called like it."""

MEANINGS = {
    Effect.ALL: "away",
    Effect.WRITES: "refuses writes",
    Effect.SOME: "partly usable, or slow",
    Effect.DATA: "loses data",
    Effect.WORKERS: "processes end, and are replaced",
    Effect.STOP: "finishes what it accepted, and ends",
    Effect.NONE: "no client may notice anything",
}


def faults() -> str:
    """Return the page."""
    drawn = {f"{each.store} {each.name}" for each in CATALOG} | {"signal hang-up"}
    drawn |= {name for name in EFFECTS if name.startswith(f"{UPSTREAM} ")}
    asked = {f"{each.store} {each.name}" for each in ON_REQUEST}
    rows = (
        (
            code(name),
            what_is_done(name),
            "; ".join(MEANINGS[effect] for effect in Effect if effect in EFFECTS[name]),
            "yes" if name in drawn else "by its name" if name in asked else "",
        )
        for name in EFFECTS
    )
    words = ", ".join(map(code, sorted(TARGETS)))
    return f"""# Faults

What can be broken on purpose, by the names that histories, reports and `chaos --only` have. The first word is what is broken:
{words}. An `{UPSTREAM}` is a store that only the profile of the target names: of a store `postgres` the
fault is called `{UPSTREAM} postgres refused`. The checkers judge by the effect, not by the name.
[Services and faults](../services.md#faults) says what proves each fault; [chaos](../chaos.md) draws those of the last column.

{table(("Fault", "What is done", "What that means for its target", "Drawn by chaos"), rows)}
"""


def what_is_done(name: str) -> str:
    """Return the first sentence of the method that injects a fault."""
    method = OTHERWISE.get(name, re.sub(r"[ -]", "_", name).lower())
    text = " ".join(inspect.cleandoc(getattr(FaultInjector, method).__doc__ or "").split())
    return sentence(text.partition(". ")[0])
