"""What one step showed: its load, what became of it, and what the machine did meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.capacity.search import Answer
from harness.typed import Record

GENERATOR = "generator"
SERVER = "server"
REDIS = "Redis"
MONGODB = "MongoDB"
OTHERS = "other programs"


class Load(Record, frozen=True):
    """What the generator did and was answered in the measured part of a step. Times in ms; None: never."""

    polls_per_s: float
    sends_per_s: float
    missed_arrivals: int
    """Polls and sends that the generator began more than half a second late."""
    arrivals: int
    lag_p99_ms: float
    failed_requests: int
    poll_p50_ms: float | None
    poll_p99_ms: float | None
    send_p99_ms: float | None


class Machine(Record, frozen=True):
    """What the machine did in the measured part of a step."""

    cores: Mapping[str, float]
    """How many processors each group of processes used; empty for what runs elsewhere."""
    store_p99_ms: Mapping[str, float]
    """How long a ping of each store took."""
    others: float
    """The share of all processors that programs of others used."""
    processors: int
    for_servers: int
    """How many of the processors the server and its stores may use."""


class Step(Record, frozen=True):
    """One size that was tried."""

    pollers: int
    answer: Answer
    why: str
    """Why it was not carried; '' if it was."""
    is_unsafe: bool
    """Whether a promise broke that must hold under any load: a message was lost, say."""
    gave_out: str
    """What gave out first: one of the groups; '' if it was carried."""
    sent: int
    lost: int
    late: int
    delivery_p50_ms: float | None
    delivery_p99_ms: float | None
    load: Load
    machine: Machine
