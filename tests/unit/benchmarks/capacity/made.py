"""Loads, machines and steps as the tests need them."""

from __future__ import annotations

from typing import Any

from benchmarks.capacity.search import Answer
from benchmarks.capacity.steps import GENERATOR, MONGODB, REDIS, SERVER, Load, Machine, Step


def load(**changes: Any) -> Load:
    fields: dict[str, Any] = {
        "polls_per_s": 500.0,
        "sends_per_s": 16.7,
        "missed_arrivals": 0,
        "arrivals": 3100,
        "lag_p99_ms": 5.0,
        "failed_requests": 0,
        "poll_p50_ms": 2.0,
        "poll_p99_ms": 20.0,
        "send_p99_ms": 30.0,
    }
    return Load(**fields | changes)


def machine(
    server: float = 0.3, redis: float = 0.02, mongodb: float = 0.05, generator: float = 0.2, **changes: Any
) -> Machine:
    fields: dict[str, Any] = {
        "cores": {SERVER: server, REDIS: redis, MONGODB: mongodb, GENERATOR: generator},
        "store_p99_ms": {REDIS: 1.0, MONGODB: 3.0},
        "others": 0.02,
        "processors": 2,
        "for_servers": 1,
    }
    return Machine(**fields | changes)


def step(pollers: int = 1000, answer: Answer = Answer.CARRIED, **changes: Any) -> Step:
    is_broken = answer is not Answer.CARRIED
    fields: dict[str, Any] = {
        "pollers": pollers,
        "answer": answer,
        "why": "on-time: late" if is_broken else "",
        "is_unsafe": False,
        "gave_out": SERVER if is_broken else "",
        "sent": 100,
        "lost": 0,
        "late": 7 if is_broken else 0,
        "delivery_p50_ms": 1000.0,
        "delivery_p99_ms": 1990.0,
        "load": load(),
        "machine": machine(),
    }
    return Step(**fields | changes)
