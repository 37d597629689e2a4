"""All mutants: importing this registers those of every mechanism."""

from tests.mutants import (
    access,
    batching,
    durability,
    failing,
    input,
    knowing,
    mailboxes,
    operating,
    ordering,
    polling,
    queueing,
    resting,
    retention,
    retries,
    timestamps,
    traffic,
    waiting,
)
from tests.mutants.clients import life, pace, reading, tabs
from tests.mutants.registry import MUTANTS

__all__ = [
    "MUTANTS",
    "access",
    "batching",
    "durability",
    "failing",
    "input",
    "knowing",
    "life",
    "mailboxes",
    "operating",
    "ordering",
    "pace",
    "polling",
    "queueing",
    "reading",
    "resting",
    "retention",
    "retries",
    "tabs",
    "timestamps",
    "traffic",
    "waiting",
]
