"""What else happens in a simulated history: faults, strain, looks into Redis, sign-ins, and an attacker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .plans import Plan
from .timeline import Event, event, ns

DAY_MS = 24 * 60 * 60 * 1_000
ATTEMPT_MS = 10


def surroundings(plan: Plan, lengths: Callable[[str, int], int]) -> Iterator[Event]:
    """All of it. `lengths` knows how many messages a reader has by a moment: fewer than are retained."""
    yield from _faults(plan)
    if plan.strain_ms:
        since_ms, until_ms = plan.strain_ms
        yield event("strain", until_ms, since=ns(since_ms), waiting=0.97, late_s=0.0)
    for at_ms in plan.looks_ms:
        for reader in sorted({chain.reader for chain in plan.chains}):
            yield _queue(at_ms, reader, lengths(reader, at_ms))
        yield event("keys", at_ms, count=5, eternal=0, named=[])
    for op, at_ms in enumerate(plan.attempts_ms, start=9_000_000):
        yield _attempt(op, at_ms)
    for op, at_ms in enumerate(plan.attempts_ms, start=8_000_000):
        yield _sign_in(op, at_ms)


def _faults(plan: Plan) -> Iterator[Event]:
    for fault in plan.faults:
        ends = {"inject": fault.bites_ms - 50, "bites": fault.bites_ms}
        for phase, at_ms in (ends | {"heal": fault.heal_ms, "healed": fault.heal_ms + 50}).items():
            yield event("fault", at_ms, name=fault.name, store=fault.name.split()[0], phase=phase)


def _queue(at_ms: int, reader: str, length: int) -> Event:
    """A look at a queue; Redis keeps no empty list."""
    seen = {"type": "list", "ttl_ms": 30 * DAY_MS} if length else {"type": "none", "ttl_ms": -2}
    return event("queue", at_ms, key=f"messages:{reader}", length=length, **seen)


def _sign_in(op: int, at_ms: int) -> Event:
    answer = {"start": ns(at_ms), "status": 200, "may": [200], "unsuited": [429], "error": None}
    return event("needed", at_ms + ATTEMPT_MS, op=op, who="carol", what="sign in", **answer)


def _attempt(op: int, at_ms: int) -> Event:
    answer = {"start": ns(at_ms), "status": 401, "may": [401, 404], "told": [], "error": None}
    return event("attempt", at_ms + ATTEMPT_MS, op=op, who="mallory", what="poll Bob's mailbox", **answer)
