"""bounded by brute force: every look into Redis, but those while it was broken or still had to recover."""

from __future__ import annotations

from harness.history import NS_PER_S, Event, History

from .definitions import BROKEN, KEPT, UNPROVEN, Allowed

NO_TTL = -1


def bounded(history: History) -> Allowed:
    """No queue is longer than what is retained, and every key expires."""
    looks = [look for look in history.looks if not _redis_was_broken(look["t"], history)]
    if any(_is_wrong(look, history) for look in looks):
        return BROKEN
    return KEPT if any(_is_at_a_queue(look) for look in looks) else UNPROVEN


def _redis_was_broken(at_ns: int, history: History) -> bool:
    recovers_ns = round(history.bounds.recovers_within_s * NS_PER_S)
    return any(
        fault.store == "redis"
        and fault.injected_ns <= at_ns
        and (fault.healed_ns is None or at_ns <= fault.healed_ns + recovers_ns)
        for fault in history.faults
    )


def _is_at_a_queue(look: Event) -> bool:
    """Whether there was one: before its first message a mailbox has no key."""
    return bool(look["kind"] == "queue" and look["type"] == "list")


def _is_wrong(look: Event, history: History) -> bool:
    if look["kind"] == "keys":
        return bool(look["without_ttl"] > 0)
    too_long = look["length"] > history.bounds.retained_messages
    return _is_at_a_queue(look) and (too_long or look["ttl_ms"] == NO_TTL)
