"""bounded: at most 1,000 entries in a queue, and a TTL on every Redis key.

Judged by looks into Redis, but not while Redis was broken: some faults write nonsense there, and the server
has 2 s after the heal to repair it.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.fault_windows import recovered_ns
from harness.checkers.findings import at, conclude, finding
from harness.checkers.spans import Spans
from harness.history import Event, History
from harness.verdict import Finding, Judgement

PROMISE = "bounded"
NO_TTL = -1


def bounded(history: History) -> Judgement:
    """Judge the promise over one history."""
    broken = Spans(
        (window.injected_ns, recovered_ns(window, history))
        for window in history.faults
        if window.store == "redis"
    )
    judged = [look for look in history.looks if not broken.touch(look["t"], look["t"])]
    queues = [look for look in judged if look["kind"] == "queue" and look["type"] == "list"]
    everything = [look for look in judged if look["kind"] == "keys"]
    findings = [found for look in queues for found in _wrong_queue(history, look)]
    findings += [_without_ttl_keys(history, look) for look in everything if look["without_ttl"]]
    evidence = {
        "looks_at_queues": len(queues),
        "looks_at_all_keys": len(everything),
        "longest_queue": max((look["length"] for look in queues), default=0),
        "most_keys": max((look["count"] for look in everything), default=0),
    }
    return conclude(
        history, PROMISE, findings, evidence, doubt="" if queues else "no queue in Redis was looked at"
    )


def _wrong_queue(history: History, look: Event) -> Iterator[Finding]:
    limit, key, when = history.bounds.retained_messages, look["key"], at(history, look["t"])
    if look["length"] > limit:
        sentence = f"{key} had {look['length']} entries at {when}; at most {limit} are promised."
        yield finding(PROMISE, "queue_too_long", sentence, (look,))
    if look["ttl_ms"] == NO_TTL:
        yield finding(PROMISE, "queue_without_ttl", f"{key} had no TTL at {when}.", (look,))


def _without_ttl_keys(history: History, look: Event) -> Finding:
    some = ", ".join(look["named"][:3])
    count, without_ttl = look["count"], look["without_ttl"]
    sentence = f"{without_ttl} of {count} keys in Redis had no TTL at {at(history, look['t'])}: {some}."
    return finding(PROMISE, "key_without_ttl", sentence, (look,))
