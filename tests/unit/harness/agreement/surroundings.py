"""What else happens in a simulated history: faults, pressure, looks into Redis, sign-ins, and an attacker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .plans import Plan
from .timeline import Event, event, ns

DAY_MS = 24 * 60 * 60 * 1_000
ATTEMPT_MS = 10


def surroundings(plan: Plan, lengths: Callable[[str, int], int]) -> Iterator[Event]:
    """All of it. `lengths` knows how many messages a reader has by a moment: fewer than are retained."""
    yield from _faults(plan)
    if plan.pressure_ms:
        since_ms, until_ms = plan.pressure_ms
        yield event("pressure", until_ms, since=ns(since_ms), waiting=0.97, late_s=0.0)
    for at_ms in plan.looks_ms:
        for reader in sorted({consumer.reader for consumer in plan.consumers}):
            yield _queue(at_ms, reader, lengths(reader, at_ms))
        yield event("keys", at_ms, count=5, without_ttl=0, named=[])
    for op, at_ms in enumerate(plan.attempts_ms, start=9_000_000):
        yield _attempt(op, at_ms)
    for op, at_ms in enumerate(plan.attempts_ms, start=8_000_000):
        yield _sign_in(op, at_ms)


def _faults(plan: Plan) -> Iterator[Event]:
    for fault in plan.faults:
        ends = {"inject": fault.active_ms - 50, "active": fault.active_ms}
        for phase, at_ms in (ends | {"heal": fault.heal_ms, "healed": fault.heal_ms + 50}).items():
            yield event("fault", at_ms, name=fault.name, store=fault.name.split()[0], phase=phase)


def _queue(at_ms: int, reader: str, length: int) -> Event:
    """A look at a queue; Redis keeps no empty list."""
    seen = {"type": "list", "ttl_ms": 30 * DAY_MS} if length else {"type": "none", "ttl_ms": -2}
    return event("queue", at_ms, key=f"messages:{reader}", length=length, **seen)


def _sign_in(op: int, at_ms: int) -> Event:
    answer = {"start": ns(at_ms), "status": 200, "expected": [200], "tolerated": [429], "error": None}
    return event("required", at_ms + ATTEMPT_MS, op=op, who="carol", what="sign in", **answer)


def _attempt(op: int, at_ms: int) -> Event:
    answer = {"start": ns(at_ms), "status": 401, "expected": [401, 404], "leaked": [], "error": None}
    return event("attempt", at_ms + ATTEMPT_MS, op=op, who="mallory", what="poll Bob's mailbox", **answer)
